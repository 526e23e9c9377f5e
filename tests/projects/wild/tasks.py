from __future__ import annotations


class Stamp:
    def process_item(self, item):
        return {**item, "stamp": "wild"}
