"""The classic API: whole articles by category, categories with their children, every number as text."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from simulator.answers import json_body, number
from simulator.door import Door
from simulator.stock import Json, Stock

DEFAULT_LIMIT, MOST = 25, 100


def stringly(value: Any) -> Any:
    """Turn every number into text; truth values stay."""
    if isinstance(value, dict):
        return {key: stringly(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [stringly(entry) for entry in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _error(status: int, message: str) -> web.Response:
    return json_body(json.dumps({"error": True, "message": message}).encode(), status)


def _envelope(data: list[Any], total: int) -> web.Response:
    body: Json = {"error": False, "data": data, "total": str(total), "htmlPrepend": "", "htmlAppend": ""}
    return json_body(json.dumps(body, ensure_ascii=False).encode())


class ClassicApi:
    """Answers requests under /cmsapi/."""

    def __init__(self, stock: Stock, door: Door) -> None:
        self._stock, self._door = stock, door

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        form = await request.post() if request.method == "POST" else {}
        key = request.query.get("key") or form.get("key")
        if not self._door.admits(key):
            return _error(403, "Invalid API key" if key else "Missing API key")
        if request.query.get("token"):
            return _error(403, "Invalid token")
        module, action = request.path.removeprefix("/cmsapi/"), request.query.get("action", "")
        if module == "content.php" and action == "search":
            return self._search(request)
        if module == "categories.php" and action == "view":
            return self._category(request)
        if module == "visitors.php":
            return _error(403, "Invalid token")
        return _error(404, f"Unknown module or action: {module} {action}")

    def _search(self, request: web.BaseRequest) -> web.Response:
        categories = _category_ids(request.query.get("category", ""))
        if categories is None:
            return _error(400, "Invalid category: give an id or a JSON array of ids")
        limit, page = number(request, "limit", DEFAULT_LIMIT), number(request, "page", 1)
        if limit is None or page is None or limit < 1 or page < 1:
            return _error(400, "Invalid limit or page")
        limit = min(limit, MOST)
        ids = self._stock.filed_under(categories, request.query.get("includeSubcategories") == "1")
        shown = ids[(page - 1) * limit : page * limit]
        return _envelope([stringly(self._stock.article(article_id)) for article_id in shown], len(ids))

    def _category(self, request: web.BaseRequest) -> web.Response:
        category = self._stock.category(request.query.get("categoryId", ""))
        if category is None:
            return _error(404, "Category not found")
        return _envelope([stringly(category)], 1)


def _category_ids(text: str) -> list[str] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    ids = value if isinstance(value, list) else [value]
    return [str(entry) for entry in ids] if all(isinstance(entry, int | str) for entry in ids) else None
