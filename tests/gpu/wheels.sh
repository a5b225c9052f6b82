#!/usr/bin/env bash
# Fetch into .whl what on_the_day.sh needs and the machine with the GPU lacks: it has Python 3.12,
# torch, numpy, scipy, scikit-image and -learn, tifffile, safetensors, psutil, typer and pytest, but
# no way to the internet. Versions are those that the tests run with.
#
# imagecodecs is left out, 26 MB that only compressed TIFF and EER need; so is dask.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
rm -rf .whl
"$python" -m pip download -q --no-deps --only-binary=:all: -c tests/constraints.txt -d .whl \
    --python-version 3.12 --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --platform manylinux1_x86_64 \
    annotated-types mrcfile platformdirs pydantic pydantic-core starfile typing-inspection \
    torch-ctf torch-cubic-spline-grids torch-fourier-filter torch-fourier-rescale \
    torch-fourier-shift torch-grid-utils torch-image-interpolation torch-motion-correction
tree=$(git ls-files -z --cached --others --exclude-standard | xargs -0 cat | wc -c)
wheels=$(cat .whl/*.whl | wc -c)
echo "wheels $((wheels / 1024)) KiB, with the tree $(((wheels + tree) / 1048576)) MiB of 64"
[ $((wheels + tree)) -lt $((64 * 1048576)) ]
