"""What each language needs, how its tests run, and what they report."""

import glob
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree
from dataclasses import dataclass

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
TESTS = os.path.join(ROOT, "tests/clients")
VENV_PYTHON = os.path.join(ROOT, ".venv/bin/python")


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


class Failed(Exception):
    """A step outside the tests failed: a build, or a runner that did not get to its tests."""


def execute(command, directory, log, environment=None):
    """Runs a command that must succeed; returns what it printed."""
    status, output = attempt(command, directory, log, environment)
    if status != 0:
        raise Failed(f"{' '.join(command)}:\n{tail(output)}")
    return output


def attempt(command, directory, log, environment=None):
    """Runs a command with its output in a log file; returns its status and what it printed."""
    env = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, cwd=directory, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    return done.returncode, done.stdout


def tail(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])


class Language:
    """One official client and our tests of it."""

    name = None
    # Command -> the Debian package that has it.
    tools = {}
    needs_upstream = True

    def __init__(self, directory, log):
        self.directory = directory
        self.log = log

    def missing_tools(self):
        return [
            f"{command} (apt-get install {package})"
            for command, package in self.tools.items()
            if shutil.which(command) is None
        ]

    def copy_tests(self):
        """A private copy of our tests: a build leaves nothing in the checkout."""
        copy = os.path.join(self.directory, "tests")
        shutil.copytree(os.path.join(TESTS, self.name), copy)
        return copy

    def prepare(self, upstream):
        """Makes the tests ready to run; returns where the client comes from."""
        raise NotImplementedError

    def run(self, environment):
        """Runs the tests against the cluster that the environment describes."""
        raise NotImplementedError


class Python(Language):
    name = "python"
    needs_upstream = False

    def missing_tools(self):
        return [] if os.path.exists(VENV_PYTHON) else [".venv (run tools/setup.sh)"]

    def prepare(self, upstream):
        self.tests = self.copy_tests()
        with open(os.path.join(TESTS, "python/requirements.txt"), encoding="utf-8") as file:
            return f"PyPI, {file.read().strip()}"

    def run(self, environment):
        command = [VENV_PYTHON, "-m", "unittest", "-v"]
        status, output = attempt(command, self.tests, self.log, environment)
        return unittest_outcome(output).checked(status, output)


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


class Go(Language):
    name = "go"
    tools = {"go": "golang-go", "git": "git"}
    client = "github.com/apache/incubator-pegasus/go-client"

    def prepare(self, upstream):
        upstream.export(self.directory, "go-client")
        self.tests = self.copy_tests()
        client = os.path.join(self.directory, "go-client")
        execute(["go", "mod", "edit", f"-replace={self.client}={client}"], self.tests, self.log)
        execute(["go", "mod", "tidy"], self.tests, self.log)
        execute(["go", "vet", "./..."], self.tests, self.log)
        return f"repository at {upstream.commit}, go-client"

    def run(self, environment):
        command = ["go", "test", "-json", "-count=1", "-timeout=30m", "./..."]
        status, output = attempt(command, self.tests, self.log, environment)
        return go_outcome(output).checked(status, output)


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


class Java(Language):
    name = "java"
    tools = {
        "java": "openjdk-17-jdk-headless",
        "mvn": "maven",
        "thrift": "thrift-compiler",
        "git": "git",
    }
    # Checks of the client's own style, which its tests do not need.
    skipped = ["-DskipTests", "-Dcheckstyle.skip", "-Dspotbugs.skip", "-Dspotless.check.skip=true"]

    def prepare(self, upstream):
        upstream.export(self.directory, "java-client", "idl")
        self.tests = self.copy_tests()
        client = os.path.join(self.directory, "java-client")
        self.maven = ["mvn", "-B", "-ntp", f"-Dmaven.repo.local={maven_repository()}"]
        execute([*self.maven, "install", *self.skipped], client, self.log, thrift_0_13())
        execute([*self.maven, "test-compile"], self.tests, self.log)
        return f"repository at {upstream.commit}, java-client"

    def run(self, environment):
        status, output = attempt([*self.maven, "test"], self.tests, self.log, environment)
        reports = os.path.join(self.tests, "target/surefire-reports/TEST-*.xml")
        return surefire_outcome(glob.glob(reports), output).checked(status, output)


def thrift_0_13():
    """An environment whose Thrift compiler writes what the client's old Thrift library understands."""
    return {"PATH": f"{os.path.join(TESTS, 'harness/thrift_0_13')}:{os.environ['PATH']}"}


def maven_repository():
    """A local repository of this project's own: the user's never sees the client that is built here."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "pegasus-rs/maven")


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


class Nodejs(Language):
    name = "nodejs"
    tools = {"node": "nodejs", "npm": "npm", "thrift": "thrift-compiler", "git": "git"}

    def prepare(self, upstream):
        upstream.export(self.directory, "nodejs-client", "idl")
        self.tests = self.copy_tests()
        client = os.path.join(self.directory, "nodejs-client")
        execute(["bash", "recompile_thrift.sh"], client, self.log)
        # A copy, not a link, with its dependencies. Their install scripts would compile a module that
        # the client names but never loads.
        flags = ["--install-links", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
        execute(["npm", "install", *flags, client], self.tests, self.log)
        return f"repository at {upstream.commit}, nodejs-client"

    def run(self, environment):
        files = sorted(os.path.basename(path) for path in glob.glob(f"{self.tests}/*.test.js"))
        command = ["node", "--no-deprecation", "--test", "--test-concurrency=1"]
        command += ["--test-reporter=tap", *files]
        status, output = attempt(command, self.tests, self.log, environment)
        return tap_outcome(output).checked(status, output)


def tap_outcome(output):
    counts = dict(re.findall(r"^# (tests|pass|fail|cancelled|skipped) (\d+)$", output, re.MULTILINE))
    if not int(counts.get("tests", 0)):
        raise Failed(f"node did not get to its tests:\n{tail(output)}")
    failures = re.findall(r"^\s*not ok \d+ - (.*)$", output, re.MULTILINE)
    if failures:
        print(tail(output, 120))
    return Outcome(int(counts["tests"]), int(counts["pass"]), failures)


LANGUAGES = {language.name: language for language in (Python, Go, Java, Nodejs)}
