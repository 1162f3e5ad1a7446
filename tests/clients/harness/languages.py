"""What each language needs, and how its tests run."""

import glob
import os
import shutil

from harness.commands import attempt, execute
from harness.outcomes import go_outcome, surefire_outcome, tap_outcome, unittest_outcome

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
TESTS = os.path.join(ROOT, "tests/clients")
VENV_PYTHON = os.path.join(ROOT, ".venv/bin/python")


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


LANGUAGES = {language.name: language for language in (Python, Go, Java, Nodejs)}
