from __future__ import annotations

from django.urls import include, path

from tasks.demo import views

shop = [
    path("", views.front, name="front"),
    path("category/<slug:slug>/", views.category, name="category"),
    path("product/<slug:slug>/", views.product, name="product"),
    path("picture/<slug:slug>.svg", views.picture, name="picture"),
    path("search/", views.search, name="search"),
    path("arrivals/", views.arrivals, name="arrivals"),
    path("about/", views.about, name="about"),
    path("ueber-uns/", views.about, {"language": "de"}, name="about-german"),
    path("stock-report/", views.slow, name="slow"),
    path("private/", views.private, name="private"),
    path("old-catalogue/", views.moved, name="moved"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("feed.xml", views.feed, name="feed"),
]

urlpatterns = [
    # Spiders look for it at the root of the host only.
    path("robots.txt", views.robots),
    path("demo/", include((shop, "demo"))),
]
