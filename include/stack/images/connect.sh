#!/bin/sh
# Starts the Connect worker. Its REST API's user comes from the environment, by a file that only the worker may read.
set -eu
umask 077
printf 'headrace=%s\n' "${HEADRACE_PASSWORD_CONNECT:?}" >/tmp/connect-users.properties
export KAFKA_OPTS="-Daws.region=us-east-1 -Djava.security.auth.login.config=/opt/headrace/connect-jaas.conf"
exec /opt/kafka/bin/connect-distributed.sh /opt/headrace/connect.properties
