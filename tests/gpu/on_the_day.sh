#!/usr/bin/env bash
# Everything for the minutes with a GPU: the suite of this folder, then the bench.
#
# Before, here: bash tests/gpu/wheels.sh (once; it fills .whl, which git ignores).
# Then one call of the device tool, and give_back unless it is called again at once:
#
#     run(command="bash tests/gpu/on_the_day.sh", carry=[".whl"], timeout_s=590)
#
# Of what comes next, either alone: "... on_the_day.sh tests [pytest's options]" and
# "... on_the_day.sh bench [bench_gpu.py's options, such as --parts steps stream]".
# In $OUT: tests.xml, tests.log, bench_gpu.json (kept up to the last figure), bench.log, machine.txt.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
out=${OUT:?where the results go}
what=${1:-all}
shift $(($# > 0 ? 1 : 0))
# Not into the machine's own packages: pydantic and others there are what its tools need.
python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
    --target /tmp/site .whl/*.whl || exit 1
export PYTHONPATH=/tmp/site:$PWD/src PYTHONUNBUFFERED=1
{ nvidia-smi; python3 --version; python3 -m pip list 2>/dev/null; } >"$out/machine.txt" 2>&1
failed=0
if [ "$what" != bench ]; then
    # Told to interrupt itself, pytest writes what it found so far. A newer library's warning is no
    # reason to lose a test here.
    timeout -s INT -k 10 180 python3 -m pytest tests/gpu -v -p no:cacheprovider \
        -o addopts="--import-mode=importlib" -o filterwarnings=default --tb=short --durations=15 \
        --junitxml="$out/tests.xml" "$@" >"$out/tests.log" 2>&1 || failed=1
    tail -n 60 "$out/tests.log"
fi
if [ "$what" != tests ]; then
    options=("$@")
    [ "$what" = all ] && options=()
    timeout -s INT -k 10 360 python3 tests/benchmarks/bench_gpu.py --seconds 345 \
        --output "$out/bench_gpu.json" "${options[@]}" 2>"$out/bench.log" || failed=1
    tail -n 20 "$out/bench.log"
fi
exit $failed
