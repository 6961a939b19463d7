# The project on Astro Runtime. Its ONBUILD steps install packages.txt and requirements.txt and copy what .dockerignore
# lets through. It comes first because the Astro CLI takes the first FROM for the runtime.
FROM astrocrpublic.azurecr.io/runtime:3.3-2 AS project

# Connect's plugins and Spark's jars, in the versions of versions.toml.
FROM maven:3.9.9-eclipse-temurin-17 AS jars
WORKDIR /build
COPY include/stack/pom.xml include/stack/versions.toml include/stack/images/jars.sh ./
COPY include/stack/connect connect
RUN sh jars.sh /jars

# docker build --target connect --tag headrace-connect:local .
FROM apache/kafka:4.3.1 AS connect
COPY --from=jars /jars/plugins /opt/headrace/plugins
COPY include/stack/images/connect.properties include/stack/images/connect-jaas.conf include/stack/images/connect.sh /opt/headrace/
CMD ["sh", "/opt/headrace/connect.sh"]

# docker build --tag headrace:local .
FROM project
USER root
RUN install --directory --owner=astro --group=0 /checkpoints
USER astro
COPY --from=jars /jars/spark /opt/headrace/jars
ENV AIRFLOW__CORE__PLUGINS_FOLDER=/usr/local/airflow/plugins \
    PYTHONPATH=/usr/local/airflow:/usr/local/airflow/plugins${PYTHONPATH:+:$PYTHONPATH} \
    HEADRACE_INDEX=/tmp/headrace-contracts.index.json \
    HEADRACE_SPARK_JARS=/opt/headrace/jars
