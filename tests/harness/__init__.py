"""What the tests stand on: databases, queues, a browser, and the order they are run in."""
