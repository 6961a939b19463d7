"""Steps of `./headrace demo`: each does one thing with the dataset `retail.demo_orders` and shows where to see it."""
