#!/bin/sh
# Builds the testees that are compiled, each where its compiler and library are there.
cd "$(dirname "$0")" || exit 1
mkdir -p build
export GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS=
for name in gorilla nhooyr; do go build -o build/server-$name server-$name.go; done
cc -D_GNU_SOURCE -O1 -o build/server-wslay ../../test/conformance/support/wslay-echo.c -lwslay
c++ -O1 -o build/server-websocketpp server-websocketpp.cpp -lpthread
true
