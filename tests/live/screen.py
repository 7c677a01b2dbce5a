#!/usr/bin/env python3
"""screen.py COLUMNS ROWS SECONDS [OPTION]... -- COMMAND...

Runs a command on a terminal of its own and understands what it draws, as far as boltseal's live view
needs: cursor positions, erasing, the alternate screen, styles. Prints the screen as it is before the end,
then a line "-- STATUS alternate=0|1 cursor=0|1 echo=0|1": the exit status and how it left the
terminal. The end is a key, after so many seconds. Options:

--until TEXT           or as soon as this is on the screen (or was printed, without one)
--keys TEXT            which keys (q)
--kill SIGNAL          a signal in place of keys
--begun FILE           this file is made when the screen has its first picture (or, with --term, it says so)
--resize COLUMNS ROWS  then the terminal gets another size
--term NAME            $TERM (xterm-256color)
--picture FILE         the screen with its styles, as HTML
--printed FILE         all that was printed, as it is
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
        self.stale = 0  # pictures to come of which the first may be one for another size
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.clear()

    def clear(self):
        self.cells = [[(" ", "")] * self.columns for _ in range(self.rows)]
        self.x = self.y = 0

    def wrong(self, what):
        if not self.stale:
            raise SystemExit(f"screen.py: {what}")

    def put(self, c):
        if self.x < self.columns:
            self.cells[self.y][self.x] = (c, self.style)
        else:
            self.wrong(f"a line is longer than {self.columns} columns")
        self.x += 1

    def sequence(self, parameters, final):
        numbers = [int(n) if n.isdigit() else 0 for n in parameters.lstrip("?").split(";")]
        if final == "H":
            if not parameters and self.stale:
                self.stale -= 1
                self.clear()
            self.y = max(numbers[0], 1) - 1
            self.x = (max(numbers[1], 1) - 1) if len(numbers) > 1 else 0
            if self.y >= self.rows:
                self.wrong("a line below the last")
                self.y = self.rows - 1
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
            self.wrong(f"an unknown command: {parameters}{final}")

    def feed(self, text):
        for m in re.finditer(r"\x1b\[([?0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x00-\x1f\x7f])|(.)", text, re.S):
            if m.group(2):
                self.sequence(m.group(1), m.group(2))
            elif m.group(3):
                self.x = 0
            elif m.group(4):
                if self.alternate and self.y + 1 >= self.rows:
                    self.wrong("the picture scrolls")
                self.y = min(self.y + 1, self.rows - 1)
            elif m.group(5):
                if self.alternate:
                    self.put(m.group(5))
            elif self.alternate:
                self.wrong(f"a control character: {m.group(6)!r}")

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
    os.environ["TERM"] = option("--term", 1, ["xterm-256color"])[0]
    time.sleep(0.2)
    os.execvp(command[0], command)
set_size(fd, columns, rows)
screen = Screen(columns, rows)
last = Screen(columns, rows)
rest = ""
printed = ""
begun = time.monotonic()
resized = "--resize" not in args
shown = sent = False
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
        printed += text[len(rest):]
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
    if not shown and (screen.alternate and screen.text().strip() or
                      "--term" in args and "watching with" in printed):
        shown = True
        if "--begun" in args:
            open(option("--begun", 1)[0], "w", encoding="utf-8").close()
    if shown and not resized:
        resized = True
        size = [int(n) for n in option("--resize", 2)]
        screen.resize(*size)
        set_size(fd, *size)
        os.kill(pid, signal.SIGWINCH)
        # The next picture may be the last one of the old size.
        screen.stale = 2
    until = option("--until", 1, [None])[0]
    there = until and resized and not screen.stale and until in (screen.text() if screen.alternate else printed)
    if not sent and (there or passed > seconds):
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
if "--printed" in args:
    with open(option("--printed", 1)[0], "w", encoding="utf-8") as f:
        f.write(printed)
try:
    echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
except termios.error:
    echo = True
print(f"-- {code} alternate={int(screen.alternate)} cursor={int(screen.cursor)} echo={int(echo)}")
