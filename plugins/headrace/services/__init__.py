"""Services of the platform, one folder per service. Services use the clients in systems; clients never use services."""
