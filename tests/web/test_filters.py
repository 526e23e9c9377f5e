from __future__ import annotations

from django.test import RequestFactory

from tasks.web.filters import build_filter


def shown(options, query):
    return build_filter(RequestFactory().get("/", query), "task", "Task", options)


def test_a_filter_links_to_each_choice_and_keeps_the_rest_of_the_address():
    found = shown([("a b", "A & <b>")], {"q": "x y", "before": "1", "task": "gone"})
    assert found.panel() == (
        '<li><a href="?q=x+y">All</a></li>'
        '<li><a href="?q=x+y&amp;task=a+b">A &amp; &lt;b&gt;</a></li>'
    )


def test_a_filter_marks_what_is_chosen():
    found = shown([("a", "A"), ("b", "B")], {"task": "b"})
    marked = [line for line in found.panel().split("</li>") if 'aria-current="true"' in line]
    assert len(marked) == 1
    assert 'href="?task=b"' in marked[0]
    assert "#i-check" in marked[0]
    assert found.word == "B"
