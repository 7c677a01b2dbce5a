"""A text"""
from . import a as b, c
from ..d.e import (f,
                   g)  # h
import i.j as k, l

_add("M", "n")
TABLE = {"o": p, 'q': [r]}

@decorated(s)
@property
async def t(u=v, *, w: x = "y"):
    '''another text'''
    import z
    return getattr(l, u), f"do_{u}" % "do_%s"

class A(B, metaclass=C):
    __slots__ = ("d",)
    def __init__(self): self.d = __import__("e"); vars(l)

if __name__ == "__main__":
    exec("f"); \
    pickle.loads(b"")
