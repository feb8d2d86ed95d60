"""A cluster on loopback beside one process, in turn: wall time, memory, and bytes shuffled.

    python cluster.py FOLDER [--runs 3] [--executors 2] [--partitions 4] [--case "credits, conversation"]

FOLDER is a generated year, as of `dayrate generate --out FOLDER`. The scheduler and the executors, of one thread each, are
started here and end with the script; the single process has as many threads as there are executors. Both answers must be
the same. `$DAYRATE` is a dayrate built with `--features cluster`.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

import queries
from compare import ROOT, measured


class Process:
    """A process of the cluster, from when it says where it is."""

    def __init__(self, tool, arguments, word):
        self.child = subprocess.Popen([tool, "cluster", *arguments], stderr=subprocess.PIPE, text=True)
        for line in self.child.stderr:
            if word in line:
                self.place = line.strip().split(word)[1].split()[0]
                break
        else:
            raise RuntimeError(f"{arguments} ended")
        threading.Thread(target=self.child.stderr.read, daemon=True).start()

    def peak(self):
        """The most memory so far, in MiB."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def end(self):
        self.child.terminate()
        self.child.wait()


class Shuffled:
    """The most bytes that lie in the work folders of executors: the rows between stages stay there until a job ends."""

    def __init__(self, folder):
        self.folder, self.most, self.goes_on = pathlib.Path(folder), 0, True
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while self.goes_on:
            files = [os.path.join(top, file) for top, _, files in os.walk(self.folder) for file in files if "work-" in top]
            self.most = max(self.most, sum(os.path.getsize(file) for file in files if os.path.exists(file)))
            time.sleep(0.02)

    def end(self):
        self.goes_on = False
        self.thread.join()
        return self.most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--executors", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=4, help="parts that the work of a statement is cut into")
    parser.add_argument("--case", default="credits, conversation", help="one of queries.py")
    given = parser.parse_args()
    tool = os.environ.get("DAYRATE", str(ROOT / "target/release/dayrate"))
    data = pathlib.Path(given.folder).resolve()
    with tempfile.TemporaryDirectory() as folder:
        begun = []

        def start(arguments, word):
            begun.append(Process(tool, arguments, word))
            return begun[-1]

        def answer(name, arguments, sql):
            out = f"{folder}/{name}.csv"
            process = [tool, "--config", f"{data}/dayrate.toml", *arguments, "--format", "csv", "-o", out, "-c", sql]
            return *measured(process), pathlib.Path(out).read_text()

        try:
            scheduler = start(["scheduler", "--port", "0"], "listens on ").place
            work = [f"{folder}/work-{place}" for place in range(given.executors)]
            for path in work:
                os.mkdir(path)
                start(["executor", "--scheduler", scheduler, "--threads", "1", "--work-folder", path], "works for ")
            through = ["--cluster", scheduler, "--threads", str(given.partitions)]
            sql, taken = queries.DAYRATE[given.case], []
            print(f"nothing at all (SELECT 1): {min(answer('cluster', through, 'SELECT 1')[0] for _ in range(3)):.2f} s")
            for _ in range(given.runs):
                alone = answer("alone", ["--threads", str(given.executors)], sql)
                shuffled = Shuffled(folder)
                try:
                    together = answer("cluster", through, sql)
                finally:
                    most = shuffled.end()
                if together[2] != alone[2]:
                    raise RuntimeError("the answers differ")
                taken.append((alone[0], together[0], together[0] / alone[0], most / 1e6))
                print(f"one process {alone[0]:.2f} s, cluster {together[0]:.2f} s, shuffled {most / 1e6:,.1f} MB", flush=True)
            alone, together, ratio, most = (statistics.median(column) for column in zip(*taken))
            peaks = ", ".join(f"{process.peak():,.0f}" for process in begun)
            print(f"medians: one process {alone:.2f} s, cluster {together:.2f} s, {ratio:.2f} times; {most:,.1f} MB shuffled")
            print(f"peak memory of the scheduler and of each executor, MiB: {peaks}")
        finally:
            for process in reversed(begun):
                process.end()


if __name__ == "__main__":
    main()
