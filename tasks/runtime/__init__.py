"""What runs inside a spider's process or beside it. Free of Django and of the rest of this
project: it is loaded by file path (see boot.py), so that any Scrapy project can be run with it,
whatever its packages are called."""
