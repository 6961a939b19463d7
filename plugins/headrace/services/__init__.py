"""What the platform does with the systems: one folder per service. A service uses clients of systems; no client uses a service."""
