#!/bin/sh
# `jars.sh OUT`: download Connect's plugins to OUT/plugins and Spark's jars to OUT/spark, with the versions of
# versions.toml. Run it in the folder of pom.xml, versions.toml and connect/. Needs Maven and a JDK.
set -eu
out=$1
versions=$(sed -n '/^\[maven\]/,/^\[npm\]/s/^\([a-z0-9-]*\) *= *"\([^"]*\)".*/-D\1=\2/p' versions.toml)
for profile in archives converter iceberg spark; do
    # shellcheck disable=SC2086 - one argument per version
    mvn -B -q -f pom.xml "-P$profile" "-Dout=$out" $versions prepare-package
done
# The archives include the registry's server, which has its own image.
rm -rf "$out/registry" "$out/maven"
