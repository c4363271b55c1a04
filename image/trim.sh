#!/bin/sh
# Takes out of a virtual environment what is never run, and compiles what stays: sh trim.sh /opt/venv
set -eu
cd "$1"/lib/python3.*/site-packages

# For building packages and TensorFlow's extensions.
rm -rf setuptools setuptools-*.dist-info pkg_resources _distutils_hack distutils-precedence.pth tensorflow/include
# Tests: onnx's, tf2onnx's (which calls them just that) and google-genai's.
rm -rf onnx/backend/test tests google/genai/tests

# Symbols for debuggers, a quarter of TensorFlow's libraries. Those of other packages are small, or were patched in ways
# that do not survive this.
find tensorflow -name '*.so*' -exec strip --strip-unneeded {} +

# Without a look at the sources' times, which a copy may change.
"$1"/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .
