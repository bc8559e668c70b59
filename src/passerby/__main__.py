"""`python -m passerby`: the `passerby` command where the scripts' folder is not on the path."""

from passerby.cli.main import run

if __name__ == "__main__":
    run()
