#!/bin/sh
# `jars.sh OUT`: fetches Connect's plugins into OUT/plugins and Spark's jars into OUT/spark, with the versions of
# versions.toml. Runs beside pom.xml and versions.toml, with Maven and a JDK.
set -eu
out=$1
versions=$(sed -n '/^\[maven\]/,/^\[npm\]/s/^\([a-z0-9-]*\) *= *"\([^"]*\)".*/-D\1=\2/p' versions.toml)
for profile in archives converter iceberg spark; do
    # shellcheck disable=SC2086 - one argument a version
    mvn -B -q -f pom.xml "-P$profile" "-Dout=$out" $versions prepare-package
done
# plugin.discovery=service_load only finds converters that have a service manifest, and Apicurio's has none.
mkdir -p "$out/manifest/META-INF/services"
echo io.apicurio.registry.utils.converter.AvroConverter \
    >"$out/manifest/META-INF/services/org.apache.kafka.connect.storage.Converter"
jar --create --file "$out/plugins/avro-converter/manifest.jar" -C "$out/manifest" META-INF
# The archives bring the registry's server too, which has an image of its own.
rm -rf "$out/registry" "$out/maven" "$out/manifest"
