#!/usr/bin/env python3
"""screen.py COLUMNS ROWS SECONDS [--resize COLUMNS ROWS] [--picture FILE] [--keys TEXT] [--kill SIGNAL] -- COMMAND...

Runs a command on a terminal of its own and understands what it draws, as far as boltseal's live view
needs: cursor positions, erasing, the alternate screen, styles. Prints the screen as it is before the end,
then a line "-- STATUS alternate=0|1 cursor=0|1 echo=0|1": the exit status and how it left the
terminal. --picture writes the screen with its styles as HTML.
"""
import fcntl, html, os, pty, re, select, signal, struct, sys, termios, time

args = sys.argv[1:]
command = args[args.index("--") + 1:]
args = args[:args.index("--")]
columns, rows, seconds = int(args[0]), int(args[1]), float(args[2])


def option(name, count, default=None):
    return args[args.index(name) + 1:args.index(name) + 1 + count] if name in args else default


class Screen:
    def __init__(self, columns, rows):
        self.alternate = False
        self.cursor = True
        self.style = ""
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[(" ", "")] * columns for _ in range(rows)]
        self.x = self.y = 0

    def put(self, c):
        if self.x < self.columns:
            self.cells[self.y][self.x] = (c, self.style)
        else:
            raise SystemExit(f"screen.py: a line is longer than {self.columns} columns")
        self.x += 1

    def sequence(self, parameters, final):
        numbers = [int(n) if n.isdigit() else 0 for n in parameters.lstrip("?").split(";")]
        if final == "H":
            self.y = max(numbers[0], 1) - 1
            self.x = (max(numbers[1], 1) - 1) if len(numbers) > 1 else 0
            if self.y >= self.rows:
                raise SystemExit("screen.py: a line below the last")
        elif final == "K":
            self.cells[self.y][self.x:] = [(" ", "")] * max(0, self.columns - self.x)
        elif final == "J":
            if numbers[0] == 0:
                self.cells[self.y][self.x:] = [(" ", "")] * max(0, self.columns - self.x)
            for y in range(0 if numbers[0] == 2 else self.y + 1, self.rows):
                self.cells[y] = [(" ", "")] * self.columns
        elif final == "m":
            self.style = "" if parameters in ("", "0") else parameters
        elif final in "hl" and parameters == "?1049":
            self.alternate = final == "h"
        elif final in "hl" and parameters == "?25":
            self.cursor = final == "h"
        else:
            raise SystemExit(f"screen.py: an unknown command: {parameters}{final}")

    def feed(self, text):
        for m in re.finditer(r"\x1b\[([?0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x00-\x1f\x7f])|(.)", text, re.S):
            if m.group(2):
                self.sequence(m.group(1), m.group(2))
            elif m.group(3):
                self.x = 0
            elif m.group(4):
                if self.alternate and self.y + 1 >= self.rows:
                    raise SystemExit("screen.py: the picture scrolls")
                self.y = min(self.y + 1, self.rows - 1)
            elif m.group(5):
                if self.alternate:
                    self.put(m.group(5))
            elif self.alternate:
                raise SystemExit(f"screen.py: a control character: {m.group(6)!r}")

    def text(self):
        return "\n".join("".join(c for c, _ in row).rstrip() for row in self.cells)

    def picture(self):
        css = {"1": "font-weight:bold", "2": "color:#888", "1;31": "color:#f55;font-weight:bold", "33": "color:#fc3",
               "32": "color:#5d5", "36": "color:#5cf", "7": "background:#ddd;color:#111"}
        out = ["<body style='background:#111;color:#ddd'><pre style='font:14px monospace'>"]
        for row in self.cells:
            for c, s in row:
                out.append(f"<span style='{css[s]}'>{html.escape(c)}</span>" if s else html.escape(c))
            out.append("\n")
        return "".join(out)


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm-256color"
    time.sleep(0.2)
    os.execvp(command[0], command)
set_size(fd, columns, rows)
screen = Screen(columns, rows)
last = Screen(columns, rows)
rest = ""
begun = time.monotonic()
resized = sent = False
status = None
while True:
    ready, _, _ = select.select([fd], [], [], 0.05)
    if ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        text = rest + data.decode("utf-8", "replace")
        cut = re.search(r"\x1b(\[[?0-9;]*)?$", text)
        rest = text[cut.start():] if cut else ""
        text = text[:cut.start()] if cut else text
        # The screen as it was is what there is to look at.
        before, leave, after = text.partition("\x1b[?25h\x1b[?1049l")
        screen.feed(before)
        if leave:
            last = screen.text(), screen.picture()
            screen.feed(leave + after)
    passed = time.monotonic() - begun
    if "--resize" in args and not resized and passed > seconds / 2:
        resized = True
        size = [int(n) for n in option("--resize", 2)]
        screen.resize(*size)
        set_size(fd, *size)
        os.kill(pid, signal.SIGWINCH)
        # What was drawn for the old size comes first.
        time.sleep(0.05)
        try:
            os.read(fd, 65536)
        except OSError:
            pass
    if not sent and passed > seconds:
        sent = True
        if "--kill" in args:
            os.kill(pid, int(option("--kill", 1)[0]))
        else:
            os.write(fd, option("--keys", 1, ["q"])[0].encode())
    if passed > seconds + 20:
        os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
if isinstance(last, tuple):
    print(last[0])
    if "--picture" in args:
        with open(option("--picture", 1)[0], "w", encoding="utf-8") as f:
            f.write(last[1])
try:
    echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
except termios.error:
    echo = True
print(f"-- {code} alternate={int(screen.alternate)} cursor={int(screen.cursor)} echo={int(echo)}")
