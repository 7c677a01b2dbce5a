@
@x
class
def
from
import ,
)]}
"\