"""Reads our model cards with the library of a model hub, and gives us one that the library wrote.

    pip install huggingface_hub
    PROBITY_KEY=prb_... python tests/http/by-hand/model_cards.py SPACE [URL]
"""

import json
import os
import sys
import urllib.request

from huggingface_hub import EvalResult, ModelCard, ModelCardData


def main(space: str, base: str) -> int:
    products = f"{base}/api/v1.0/catalog/spaces/{space}/products"
    bearer = {"Authorization": f"Bearer {os.environ['PROBITY_KEY']}"}

    def call(url: str, body: bytes | None = None) -> bytes:
        headers = bearer | ({"Content-Type": "text/markdown"} if body is not None else {})
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read()

    data = ModelCardData(
        language=["en", "no"],
        license="apache-2.0",
        library_name="keras",
        pipeline_tag="text-classification",
        tags=["on", "1e5", "x: y"],
        datasets=["acme/tickets"],
        model_name="churn-card",
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="acme/tickets",
                dataset_name="Tickets",
                metric_type="accuracy",
                metric_value=0.000001,
            )
        ],
    )
    written = ModelCard.from_template(data, model_id="Churn card", model_description="Predicts: churn.")
    done = json.loads(call(f"{products}/import", str(written).encode()))
    assert done["created"] + done["updated"] + done["unchanged"] == 1, done
    ours = call(f"{products}/{done['products'][0]['id']}/model-card").decode()
    read = ModelCard(ours, ignore_metadata_errors=False)
    for name in ("language", "license", "library_name", "pipeline_tag", "tags", "datasets", "model_name"):
        assert getattr(read.data, name) == getattr(data, name), (name, getattr(read.data, name))
    assert read.data.eval_results[0].metric_value == 0.000001, read.data.eval_results
    again = json.loads(call(f"{products}/import", str(read).encode()))
    assert again["unchanged"] == 1, again
    print(f"model cards agree; left out: {', '.join(done['left_out'])}")
    return 0


if __name__ == "__main__":
    url = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("PROBITY_URL", "http://127.0.0.1:8080")
    sys.exit(main(sys.argv[1], url.rstrip("/")))
