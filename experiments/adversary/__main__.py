"""The adversary's command line, and the report."""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from experiments.adversary.trials import Failure, run_trial
from experiments.adversary.watch import LIMIT, PARTS, Worker


@dataclass
class Report:
    """What ran and what was found."""

    seed: int
    trials: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    checked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    found: dict[str, list[tuple[int, Failure]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, part: str, number: int, failures: list[Failure], checked: Counter[str]) -> None:
        """Keep, and print the first of each kind."""
        self.checked[part] += checked
        for failure in failures:
            if failure.kind not in self.found:
                print(f"\n### {failure.kind}\n# seed {self.seed}, trial {number}")
                print(failure.snippet, flush=True)
            self.found[failure.kind].append((number, failure))

    def show(self) -> None:
        """Counts, and of each kind how often and in which trial it is shortest."""
        print("\n" + "=" * 80)
        for part in self.trials:
            print(f"{part}: {self.trials[part]} trials, {self.seconds[part]:.0f} s")
            for promise, count in sorted(self.checked[part].items()):
                print(f"    {count:6d}  {promise}")
        print(f"\n{len(self.found)} kinds of failures")
        for kind, cases in sorted(self.found.items(), key=lambda item: -len(item[1])):
            shortest = min(cases, key=lambda case: len(case[1].snippet))[0]
            print(f"    {len(cases):6d}  {kind} (shortest: --trial {shortest})")


QUICK = 0.05
"""Minutes."""


def main(argv: list[str]) -> int:
    """Run trials until the time or their number is over; 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Random inputs against every promise.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--trials", type=int, help="of each part, instead of --minutes")
    parser.add_argument("--quick", action="store_true", help="some seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", default=",".join(PARTS), help="parts or their first letters, with commas between"
    )
    parser.add_argument("--trial", type=int, help="this one alone, in this process")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one trial")
    options = parser.parse_args(argv)
    options.minutes = QUICK if options.quick else options.minutes
    parts = [part for part in PARTS if part.startswith(tuple(options.only.split(",")))]
    if not parts:
        parser.error(f"there is no part {options.only!r}; there are {', '.join(PARTS)}")
    report = Report(options.seed)
    if options.trial is not None:
        for part in parts:
            script = run_trial(part, PARTS[part], options.seed, options.trial)
            report.add(part, options.trial, script.failures, script.checked)
            print("\n".join(["", *script.lines]))
        return bool(report.found)
    worker, end = Worker(options.limit), time.monotonic() + 60.0 * options.minutes
    try:
        while True:
            part = min(parts, key=lambda name: report.seconds[name])
            if options.trials is not None:
                part = min(parts, key=lambda name: report.trials[name])
                if report.trials[part] >= options.trials:
                    break
            elif time.monotonic() > end:
                break
            begin = time.perf_counter()
            number = report.trials[part]
            report.add(part, number, *worker.run(part, options.seed, number))
            report.trials[part] += 1
            report.seconds[part] += time.perf_counter() - begin
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        worker.stop()
    report.show()
    return bool(report.found)
