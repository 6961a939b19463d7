"""One login, said to librdkafka and to Java."""

from __future__ import annotations

from headrace.systems.kafka.login import as_java, login, plain_jaas, scram_jaas


def test_java_has_the_user_in_a_line_of_jaas() -> None:
    assert as_java(login("streams", "s3cret")) == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            'org.apache.kafka.common.security.scram.ScramLoginModule required username="streams" password="s3cret";'
        ),
    }


def test_options_without_a_user_stay_as_they_are() -> None:
    assert as_java({"security.protocol": "SSL"}) == {"security.protocol": "SSL"}
    assert as_java({"sasl.mechanism": "OAUTHBEARER", "sasl.username": "x"}) == {"sasl.mechanism": "OAUTHBEARER"}


def test_a_password_cannot_end_its_quotes() -> None:
    assert scram_jaas("u", 'a"b\\c').endswith('password="a\\"b\\\\c";')


def test_the_broker_takes_the_user_that_it_is() -> None:
    assert plain_jaas("broker", "pw").endswith('required username="broker" password="pw" user_broker="pw";')
