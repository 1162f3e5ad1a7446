"""What the languages' test runners report: how many tests ran, and which did not pass."""

import json
import re
import xml.etree.ElementTree
from dataclasses import dataclass

from harness.commands import Failed, tail


@dataclass
class Outcome:
    """How many tests ran, how many of them passed, and which did not."""

    run: int
    passed: int
    failures: list

    def checked(self, status, output):
        """Itself, unless the runner failed though no test did: then some tests have not run."""
        if status != 0 and not self.failures:
            raise Failed(f"the runner ended with status {status}:\n{tail(output)}")
        return self


def unittest_outcome(output):
    ran = re.search(r"^Ran (\d+) tests? in", output, re.MULTILINE)
    if not ran:
        raise Failed(f"unittest did not get to its tests:\n{tail(output)}")
    count = int(ran.group(1))
    # A test with subtests may fail more than once.
    failures = set(re.findall(r"^(?:FAIL|ERROR): (\S+ \(\S+\))", output, re.MULTILINE))
    if failures:
        print(tail(output, 200))
    return Outcome(count, count - len(failures), sorted(failures))


def trial_outcome(output):
    """Of Twisted's own runner, which an official suite uses."""
    ran = re.search(r"^Ran (\d+) tests? in", output, re.MULTILINE)
    if not ran:
        raise Failed(f"trial did not get to its tests:\n{tail(output)}")
    passed = sum(int(count) for count in re.findall(r"successes=(\d+)", output[ran.end() :]))
    failures = re.findall(r"^(\S+)\.\.\.\s+\[(?:FAIL|ERROR)\]", output, re.MULTILINE)
    return Outcome(int(ran.group(1)), passed, failures)


def go_outcome(output):
    ends = {"pass": [], "fail": [], "skip": []}
    texts = {}
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        test = event.get("Test")
        if test and event["Action"] == "output":
            texts.setdefault(test, []).append(event["Output"])
        if test and "/" not in test and event["Action"] in ends:
            ends[event["Action"]].append(test)
    if not any(ends.values()):
        raise Failed(f"go test did not get to its tests:\n{tail(output)}")
    for test in ends["fail"]:
        print(tail("".join(texts.get(test, []))))
    run = len(ends["pass"]) + len(ends["fail"])
    return Outcome(run, len(ends["pass"]), ends["fail"])


def surefire_outcome(reports, output):
    run, failures = 0, []
    for report in reports:
        for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
            if case.find("skipped") is not None:
                continue
            run += 1
            for problem in [*case.iter("failure"), *case.iter("error")][:1]:
                name = f"{case.get('classname')}.{case.get('name')}"
                failures.append(name)
                print('\n'.join([name, *(problem.text or '').splitlines()[:15]]))
    if run == 0:
        raise Failed(f"maven did not get to its tests:\n{tail(output)}")
    return Outcome(run, run - len(failures), failures)


def tap_outcome(output):
    counts = dict(re.findall(r"^# (tests|pass|fail|cancelled|skipped) (\d+)$", output, re.MULTILINE))
    if not int(counts.get("tests", 0)):
        raise Failed(f"node did not get to its tests:\n{tail(output)}")
    failures = re.findall(r"^\s*not ok \d+ - (.*)$", output, re.MULTILINE)
    if failures:
        print(tail(output, 120))
    return Outcome(int(counts["tests"]), int(counts["pass"]), failures)
