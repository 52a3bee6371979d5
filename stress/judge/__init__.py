"""The judge: is there an order of the calls that the sequential specification allows?"""
