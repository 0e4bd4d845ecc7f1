"""What tests are made with: real servers as subprocesses and a client that keeps reply types apart."""
