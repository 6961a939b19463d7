#!/bin/sh
# `jars.sh OUT`: fetches Connect's plugins into OUT/plugins and Spark's jars into OUT/spark, with the versions of
# versions.toml. Runs beside pom.xml, versions.toml and connect/, with Maven and a JDK.
set -eu
out=$1
versions=$(sed -n '/^\[maven\]/,/^\[npm\]/s/^\([a-z0-9-]*\) *= *"\([^"]*\)".*/-D\1=\2/p' versions.toml)
for profile in archives converter iceberg spark; do
    # shellcheck disable=SC2086 - one argument a version
    mvn -B -q -f pom.xml "-P$profile" "-Dout=$out" $versions prepare-package
done
# The archives bring the registry's server too, which has an image of its own.
rm -rf "$out/registry" "$out/maven"
