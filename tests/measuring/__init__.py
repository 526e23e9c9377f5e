"""Branch coverage of tasks/ at the price of one assignment for each statement.

In Python 3.11 a tracer halves the pace of all that runs, our own code or not. So marking.py
compiles our code once with a mark at each statement, hook.py has every Python of the environment
run that instead, and each mark that is passed sets a byte of one file which all of them have mapped
into memory: processes may be forked, replaced or killed, nothing has to be saved. From these bytes
report.py tells coverage.py what ran; what counts, and how, is coverage.py's.
"""
