"""What both simulated vendors share: server, faults, clock, recording, webhooks, control."""
