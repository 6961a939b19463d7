#!/bin/sh
# Start the Connect worker. The REST API's password comes from the environment and is written to a file of mode 600.
set -eu
umask 077
printf 'headrace=%s\n' "${HEADRACE_PASSWORD_CONNECT:?}" >/tmp/connect-users.properties
export KAFKA_OPTS="-Daws.region=us-east-1 -Djava.security.auth.login.config=/opt/headrace/connect-jaas.conf"
exec /opt/kafka/bin/connect-distributed.sh /opt/headrace/connect.properties
