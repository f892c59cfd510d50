#!/usr/bin/python3
"""What chat-client's screen costs: make bench-client.

    startup   from exec to a screen with the room's lines, logged in; the median of 20
    typing    from a key to its letter on the screen, beside 1,000 lines a second
    memory    what 100,000 lines of scrollback take

The client is the real program on a pseudo-terminal of 120 by 40, the server one of ours on
loopback. Typed letters are capitals, which nothing else on the screen is.
"""
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

STARTS = 20
KEYS = 200
FLOOD_RATE = 1000
FLOOD_LINES = 100000
LINE = "line %d of a conversation that says as much as people mostly say in one go"


class Screen:
    """chat-client on a pseudo-terminal."""

    def __init__(self, argv, environment):
        self.seen = b""
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.execve(argv[0], argv, environment)

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.seen += os.read(self.fd, 65536)

    def await_text(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > end:
                sys.exit("bench_client: %r never came to the screen" % text)
            self.read(1)
        now = time.monotonic()
        self.seen = self.seen[self.seen.index(text) + len(text):]
        return now

    def memory_kb(self):
        with open("/proc/%d/status" % self.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def cpu_s(self):
        with open("/proc/%d/stat" % self.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def quit(self):
        os.write(self.fd, b"\x15\x04")
        while True:
            try:
                self.read(10)
                self.seen = b""
            except OSError:  # how a pseudo-terminal says that nobody is there
                break
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class World:
    """A server, two people with keys."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.environment = dict(os.environ, HOME=folder, TERM="xterm-256color", LC_ALL="C.UTF-8")
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "NO_COLOR"):
            self.environment.pop(name, None)
        with open(folder + "/keys", "w") as keys:
            os.chmod(folder + "/keys", 0o600)
            for user in ("alice", "bob"):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", user,
                                "-f", "%s/%s" % (folder, user)], check=True)
                with open("%s/%s.pub" % (folder, user)) as key:
                    keys.write('environment="CHAT_USER=%s" %s' % (user, key.read()))
        self.server = subprocess.Popen(
            [build + "/chat-master", "--port", "0", "--port-file", folder + "/port",
             "--authorized-keys", folder + "/keys", "--state-dir", folder + "/state",
             "--instance", "bench-client-%d" % os.getpid(), "--workers", "2", "--rate", "0",
             "--room-bytes", str(1 << 25), "--room-lines", "200000", "--max-rooms", "16",
             "--max-users", "64"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(folder + "/port") and os.path.getsize(folder + "/port"):
                break
            time.sleep(0.02)
        else:
            sys.exit("bench_client: the server does not start")
        with open(folder + "/port") as port:
            self.port = port.read().strip()

    def client(self, user, *flags):
        return [self.build + "/chat-client", "--key", "%s/%s" % (self.folder, user), *flags,
                "%s@127.0.0.1:%s" % (user, self.port)]

    def sit_down(self):
        return Screen(self.client("alice"), self.environment)

    def pipe(self):
        return subprocess.Popen(self.client("bob", "--send"), stdin=subprocess.PIPE, text=True,
                                env=self.environment)

    def close(self):
        self.server.terminate()
        self.server.wait()


def say(pipe, lines, rate=None):
    begin = time.monotonic()
    for i, line in enumerate(lines):
        pipe.stdin.write(line + "\n")
        if rate and i % 10 == 9:
            pipe.stdin.flush()
            wait = begin + (i + 1) / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
    pipe.stdin.close()


def measure_startup(world):
    pipe = world.pipe()
    say(pipe, [LINE % i for i in range(100)] + ["that was all."])
    pipe.wait()
    times = []
    for _ in range(STARTS):
        screen = world.sit_down()
        times.append((screen.await_text(b"that was all.") - screen.started) * 1000)
        screen.quit()
    print("startup: a usable screen after %.0f ms (median of %d, slowest %.0f ms)" %
          (statistics.median(times), STARTS, max(times)))


def measure_typing(world):
    screen = world.sit_down()
    screen.await_text(b"that was all.")
    pipe = world.pipe()
    lines = [LINE % i for i in range(FLOOD_RATE * (KEYS // 20 + 2))]
    flood = threading.Thread(target=say, args=(pipe, lines, FLOOD_RATE))
    flood.start()
    screen.await_text(b"conversation")
    cpu, begin, times = screen.cpu_s(), time.monotonic(), []
    for i in range(KEYS):
        letter = b"%c" % (ord("A") + i % 26)
        screen.seen = b""
        pressed = time.monotonic()
        os.write(screen.fd, letter)
        times.append((screen.await_text(letter) - pressed) * 1000)
        while time.monotonic() < pressed + 0.05:
            screen.read(max(0, pressed + 0.05 - time.monotonic()))
    cpu, wall = screen.cpu_s() - cpu, time.monotonic() - begin
    flood.join()
    pipe.wait()
    times.sort()
    print("typing:  a letter after %.0f ms (median of %d, 99 of 100 within %.0f ms, slowest %.0f ms) "
          "beside %d lines a second; %.0f %% of a core" %
          (statistics.median(times), KEYS, times[len(times) * 99 // 100], times[-1], FLOOD_RATE,
           cpu / wall * 100))
    screen.quit()


def measure_memory(world):
    screen = world.sit_down()
    screen.await_text(b"conversation")
    before = screen.memory_kb()
    pipe = world.pipe()
    flood = threading.Thread(
        target=say, args=(pipe, [LINE % i for i in range(FLOOD_LINES)] + ["now it is over."]))
    flood.start()
    screen.await_text(b"now it is over.", 120)
    flood.join()
    pipe.wait()
    # all of it, and no gap: M-Home tells how much is below the first page
    screen.seen = b""
    os.write(screen.fd, b"\x1b[1;3H")
    screen.await_text(b"-- ")
    below = int(re.match(rb"\d*", screen.seen).group())
    if below < FLOOD_LINES - 100:
        sys.exit("bench_client: only %d lines are there" % below)
    after = screen.memory_kb()
    print("memory:  %.1f MB for %d lines of scrollback; %.1f MB in all" %
          ((after - before) / 1024, FLOOD_LINES, after / 1024))
    screen.quit()


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(os.path.realpath(sys.argv[1]), folder)
        try:
            measure_startup(world)
            measure_typing(world)
            measure_memory(world)
        finally:
            world.close()


if __name__ == "__main__":
    main()
