"""Runs our tests of the official clients: see tests/clients/run."""
