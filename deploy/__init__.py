"""What it takes to run the gateway with Redis, vLLM, Prometheus and Grafana in containers: docs/deploy.md."""
