# What tests/live/import.sh records and traces: files, programs, threads, sockets. $1: a new folder.
set -e
d=$1
mkdir -p "$d/a/b"
cd "$d"
echo one >a/f
echo two >>a/f
cat a/f /etc/hostname
mv a/f a/g
ln -s g a/h
cat a/h
ln a/g a/i
chmod 600 a/g
chown 7:7 a/g
(cd a && ls -l | sort | head -n 1)
rm -r a
cat /nonexistent 2>/dev/null || true
"$2" -c "
import socket, threading, os, fcntl, ctypes, time, encodings.idna
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 19417))
s.listen()
def client():
    time.sleep(0.3)
    k = socket.create_connection(('127.0.0.1', 19417))
    k.send(b'a(b) = 1 <unfinished ...>')
    k.close()
t = threading.Thread(target=client)
t.start()
q, _ = s.accept()
q.recv(1)
t.join()
u = socket.socket(socket.AF_UNIX)
u.bind('$d/so\"ck>(1)')
os.unlink('$d/so\"ck>(1)')
w = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
w.bind('\0import-test')
v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v.sendto(b'x', ('::1', 9))
n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
f = open('$d/l\tock', 'w')
fcntl.lockf(f, fcntl.LOCK_EX)
os.chdir('$d')
e = os.open('.', os.O_RDONLY | os.O_DIRECTORY)
os.close(os.open('rel', os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=e))
os.unlink('rel', dir_fd=e)
os.kill(os.getpid(), 0)
libc = ctypes.CDLL(None)
libc.prctl(15, b'renamed', 0, 0, 0)
libc.syscall(450, 0, 0, 0, 0)
os.mknod('dev', 0o600 | 0o020000, os.makedev(1, 3))
os.unlink('dev')
c = os.memfd_create('mem', os.MFD_CLOEXEC)
libc.unshare(0x04000000)
"
