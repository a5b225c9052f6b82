"""The entry of a measured process: calls a function of ``speed.tasks`` and prints its answer."""

import importlib
import json
import sys

MARK = "ANSWER "


def main() -> None:
    module, _, function = sys.argv[1].partition(".")
    task = getattr(importlib.import_module(f"speed.tasks.{module}"), function)
    answer = task(**json.loads(sys.argv[2]))
    print(MARK + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
