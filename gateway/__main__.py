"""The command `gateway`, also as `python -m gateway`."""

from gateway.cli.main import run

if __name__ == "__main__":
    run()
