-- Where the metrics streams write and dashboards read.
CREATE DATABASE IF NOT EXISTS metrics
