"""Pictures of the dashboards and of `chronis top`, made of a real run: Prometheus, a primary, a replica and load."""
