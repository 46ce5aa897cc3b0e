"""Calls a server with tritonclient as a user would and prints {check: null or what went wrong} as JSON."""

import json
import queue
import sys
import time
import traceback

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException

MODEL, DETAILS, ENCODER, HEAD, TOKENIZER = "task_router_ensemble", "task_router_details", "prompt_encoder", "task_router_head", "prompt_tokenizer"
TEXTS = ["Write a Python function that reverses a list", "hi", "Fasse zusammen: größer, schöner 🙂"]

http_url, grpc_url = sys.argv[1].removeprefix("http://"), sys.argv[2]
http, grpc = over_http.InferenceServerClient(http_url), over_grpc.InferenceServerClient(grpc_url)
results: dict[str, str | None] = {}


def check(run):
    """Runs at once; its name is the check's."""
    try:
        run()
        results[run.__name__] = None
    except Exception:
        results[run.__name__] = traceback.format_exc(limit=4)


def text_input(module, texts, binary=None):
    made = module.InferInput("INPUT", [len(texts), 1], "BYTES")
    data = np.array([[text.encode()] for text in texts], dtype=np.object_)
    if binary is None:
        made.set_data_from_numpy(data)
    else:
        made.set_data_from_numpy(data, binary_data=binary)
    return [made]


def refuses(call, words):
    try:
        call()
    except InferenceServerException as error:
        assert words in str(error), f"{words!r} is not in {error}"
        return
    raise AssertionError("was not refused")


reference = grpc.infer(MODEL, text_input(over_grpc, TEXTS)).as_numpy("OUTPUT")


@check
def binary_both_ways_is_the_default():
    found = http.infer(MODEL, text_input(over_http, TEXTS))
    assert np.array_equal(found.as_numpy("OUTPUT"), reference)
    assert found.get_output("OUTPUT")["parameters"]["binary_data_size"] == reference.nbytes
    assert found.get_response()["model_name"] == MODEL


@check
def json_and_binary_mix_by_tensor():
    for given in (True, False):
        for asked in (True, False):
            wish = [over_http.InferRequestedOutput("OUTPUT", binary_data=asked), over_http.InferRequestedOutput("TOKEN_COUNT", binary_data=not asked)]
            found = http.infer(DETAILS, text_input(over_http, TEXTS, given), outputs=wish)
            assert np.allclose(found.as_numpy("OUTPUT"), reference, atol=1e-6)
            counts = found.as_numpy("TOKEN_COUNT")
            assert counts.dtype == np.int32 and counts.shape == (3, 1) and counts[1, 0] == 3


@check
def requests_may_be_packed():
    for how in ("gzip", "deflate"):
        found = http.infer(MODEL, text_input(over_http, TEXTS), request_compression_algorithm=how)
        assert np.array_equal(found.as_numpy("OUTPUT"), reference)
        assert np.array_equal(http.infer(MODEL, text_input(over_http, TEXTS), response_compression_algorithm=how).as_numpy("OUTPUT"), reference)


@check
def numbers_travel_as_bytes():
    ids = np.array([[0, 35378, 903, 2] + [0] * 12], np.int64)
    mask = (ids > 0).astype(np.int64)
    tensors = []
    for name, data in (("INPUT_IDS", ids), ("ATTENTION_MASK", mask)):
        tensors.append(over_http.InferInput(name, list(data.shape), "INT64").set_data_from_numpy(data))
    embedding = http.infer(ENCODER, tensors).as_numpy("EMBEDDING")
    assert embedding.shape == (1, 768) and embedding.dtype == np.float32
    given = over_http.InferInput("EMBEDDING", [1, 768], "FP32").set_data_from_numpy(embedding)
    output = http.infer(HEAD, [given]).as_numpy("OUTPUT")
    assert output.shape == (1, 12) and abs(output.sum() - 1) < 1e-3


@check
def whole_numbers_come_back_exact():
    found = http.infer(TOKENIZER, text_input(over_http, TEXTS))
    again = grpc.infer(TOKENIZER, text_input(over_grpc, TEXTS))
    for name in ("INPUT_IDS", "ATTENTION_MASK", "TOKEN_COUNT"):
        assert np.array_equal(found.as_numpy(name), again.as_numpy(name))
    assert found.as_numpy("INPUT_IDS").dtype == np.int64 and found.as_numpy("INPUT_IDS")[0, 0] == 0


@check
def classes_come_as_bytes():
    for client, module in ((http, over_http), (grpc, over_grpc)):
        wish = [module.InferRequestedOutput("OUTPUT", class_count=3)]
        found = client.infer(MODEL, text_input(module, TEXTS), outputs=wish).as_numpy("OUTPUT")
        assert found.shape == (3, 3)
        for row, values in zip(found, reference):
            score, index, label = row[0].decode().split(":", 2)
            assert int(index) == values.argmax() and abs(float(score) - values.max()) < 1e-4 and label


@check
def ids_and_versions():
    found = http.infer(MODEL, text_input(over_http, TEXTS), request_id="mine", model_version="1")
    assert found.get_response()["id"] == "mine" and found.get_response()["model_version"] == "1"
    assert grpc.infer(MODEL, text_input(over_grpc, TEXTS), request_id="mine").get_response().id == "mine"


@check
def many_at_once():
    pending = [http.async_infer(MODEL, text_input(over_http, [text])) for text in TEXTS]
    for values, one in zip(reference, pending):
        assert np.abs(one.get_result().as_numpy("OUTPUT")[0] - values).max() < 0.25


@check
def requests_by_one_stream():
    answers = queue.Queue()
    grpc.start_stream(callback=lambda result, error: answers.put((result, error)))
    for at, text in enumerate(TEXTS):
        grpc.async_stream_infer(MODEL, text_input(over_grpc, [text]), request_id=f"r{at}")
    found = {}
    for _ in TEXTS:
        result, error = answers.get(timeout=60)
        assert error is None, error
        found[result.get_response().id] = result.as_numpy("OUTPUT")[0]
    assert sorted(found) == ["r0", "r1", "r2"]
    for at, values in enumerate(reference):
        assert np.abs(found[f"r{at}"] - values).max() < 0.25
    grpc.async_stream_infer("nothing", text_input(over_grpc, ["x"]))
    result, error = answers.get(timeout=60)
    assert "nothing" in str(error), error
    grpc.async_stream_infer(MODEL, text_input(over_grpc, ["x"]), request_id="after")
    result, error = answers.get(timeout=60)
    assert error is None and result.get_response().id == "after"
    grpc.stop_stream()


@check
def the_answer_v1_wants():
    import urllib.request

    body = json.dumps({"inputs": [{"name": "INPUT", "datatype": "BYTES", "shape": [1, 1], "data": [["hi"]]}]}).encode()
    for model in (MODEL, "complexity_router_ensemble", "intent_router_ensemble"):
        with urllib.request.urlopen(f"http://{http_url}/v2/models/{model}/infer", body, timeout=60) as reply:
            text = reply.read().decode()
        pairs = []
        json.loads(text, object_pairs_hook=lambda items: pairs.append([key for key, _ in items]) or dict(items))
        assert all(len(keys) == len(set(keys)) for keys in pairs), text
        answer = json.loads(text)
        assert [output["name"] for output in answer["outputs"]] == ["OUTPUT"], text
        assert answer["parameters"] == {"sequence_id": 0, "sequence_start": False, "sequence_end": False}, text


@check
def the_plan_of_an_ensemble():
    for config in (http.get_model_config(DETAILS), grpc.get_model_config(DETAILS, as_json=True)["config"]):
        steps = config["ensemble_scheduling"]["step"]
        assert [step["model_name"] for step in steps] == [TOKENIZER, ENCODER, HEAD]
        assert int(steps[0]["model_version"]) == -1
        assert steps[1]["input_map"] == {"INPUT_IDS": "ids", "ATTENTION_MASK": "mask"}
        assert steps[2]["output_map"] == {"OUTPUT": "OUTPUT"}
        assert config["platform"] == "ensemble" and config.get("default_model_filename", "") == ""
        assert not config.get("instance_group")
        assert config["version_policy"] == {"latest": {"num_versions": 1}}
    assert http.get_model_config(MODEL)["parameters"]["details_model"] == {"string_value": DETAILS}


@check
def what_runs_a_model():
    config = http.get_model_config(ENCODER)
    assert (config["platform"], config["backend"], config["default_model_filename"]) == ("onnxruntime_onnx", "onnxruntime", "model.onnx")
    assert config["dynamic_batching"]["max_queue_delay_microseconds"] == 0
    assert config["dynamic_batching"]["preferred_batch_size"] == [64]
    (group,) = config["instance_group"]
    assert (group["name"], group["kind"], group["count"]) == (f"{ENCODER}_0", "KIND_CPU", 1)
    assert "dynamic_batching" not in http.get_model_config(HEAD)
    tokenizer = http.get_model_config(TOKENIZER)
    assert (tokenizer["platform"], tokenizer["backend"], tokenizer["default_model_filename"]) == ("", "python", "model.py")
    same = grpc.get_model_config(ENCODER).config
    assert same.dynamic_batching.max_queue_delay_microseconds == 0 and same.instance_group[0].count == 1
    assert same.platform == "onnxruntime_onnx" and same.version_policy.latest.num_versions == 1


@check
def metadata():
    told = http.get_model_metadata(ENCODER)
    assert told["platform"] == "onnxruntime_onnx" and told["versions"] == ["1"]
    assert http.get_model_metadata(TOKENIZER)["platform"] == "python"
    assert http.get_model_metadata(MODEL)["outputs"] == [{"name": "OUTPUT", "datatype": "FP32", "shape": [-1, 12]}]
    for client in (http, grpc):
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
        assert not client.is_model_ready("nothing")
    extensions = http.get_server_metadata()["extensions"]
    assert {"binary_tensor_data", "classification", "model_repository", "statistics", "model_configuration"} <= set(extensions)


@check
def statistics_of_all():
    names = {row["name"] for row in http.get_inference_statistics()["model_stats"]}
    assert {MODEL, DETAILS, ENCODER, HEAD, TOKENIZER} <= names
    assert {row.name for row in grpc.get_inference_statistics().model_stats} == names


@check
def statistics_count_what_was_done():
    def one(model):
        (row,) = http.get_inference_statistics(model)["model_stats"]
        return row

    def settled(model, executions):
        # Triton counts a moment after it has answered.
        for _ in range(100):
            if one(model)["execution_count"] >= executions:
                break
            time.sleep(0.05)
        return one(model)

    models = (MODEL, TOKENIZER, ENCODER, HEAD)
    earlier = {model: one(model) for model in models}
    begun = time.time() * 1000
    for texts in (TEXTS, TEXTS[:1]):
        http.infer(MODEL, text_input(over_http, texts))
    refuses(lambda: http.infer(MODEL, text_input(over_http, ["x"] * 65)), "64")
    for model in models:
        was, now = earlier[model], settled(model, earlier[model]["execution_count"] + 2)
        assert now["inference_count"] - was["inference_count"] == 4, (model, was, now)
        assert now["execution_count"] - was["execution_count"] == 2, (model, was, now)
        assert now["last_inference"] >= begun - 1000, (model, now)
        for part in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
            before, after = was["inference_stats"][part], now["inference_stats"][part]
            assert after["count"] - before["count"] == 2, (model, part, before, after)
            assert after["ns"] >= before["ns"], (model, part)
        assert now["inference_stats"]["success"]["ns"] > was["inference_stats"]["success"]["ns"]
        assert now["inference_stats"]["compute_infer"]["ns"] > was["inference_stats"]["compute_infer"]["ns"]
        sizes = {row["batch_size"]: row["compute_infer"]["count"] for row in now["batch_stats"]}
        old = {row["batch_size"]: row["compute_infer"]["count"] for row in was["batch_stats"]}
        assert sizes[3] - old.get(3, 0) == 1 and sizes[1] - old.get(1, 0) == 1, (model, old, sizes)
    (same,) = grpc.get_inference_statistics(MODEL).model_stats
    assert same.execution_count == one(MODEL)["execution_count"] and len(same.batch_stats) == len(one(MODEL)["batch_stats"])


@check
def what_is_wrong_is_told():
    refuses(lambda: http.infer("nothing", text_input(over_http, ["x"])), "nothing")
    refuses(lambda: http.infer(MODEL, text_input(over_http, ["x"]), outputs=[over_http.InferRequestedOutput("LOGITS")]), "LOGITS")
    wrong = over_http.InferInput("INPUT", [1, 1], "FP32").set_data_from_numpy(np.zeros((1, 1), np.float32))
    refuses(lambda: http.infer(MODEL, [wrong]), "INPUT")
    refuses(lambda: http.infer(MODEL, text_input(over_http, ["x"]), model_version="9"), "version")


@check
def the_index_of_the_repository():
    for rows in (http.get_model_repository_index(), grpc.get_model_repository_index(as_json=True)["models"]):
        states = {row["name"]: row.get("state") for row in rows}
        assert states[MODEL] == "READY" and states[TOKENIZER] == "READY"


@check
def unload_and_load():
    for client in (http, grpc):
        client.unload_model("intent_router_ensemble")
        for _ in range(100):
            if not client.is_model_ready("intent_router_ensemble"):
                break
            time.sleep(0.05)
        assert not client.is_model_ready("intent_router_ensemble")
        assert client.is_model_ready("intent_router_head")
        client.load_model("intent_router_ensemble")
        assert client.is_model_ready("intent_router_ensemble")
    refuses(lambda: http.load_model("nothing"), "nothing")


@check
def a_configuration_that_is_none_is_refused():
    for client in (http, grpc):
        refuses(lambda client=client: client.load_model(HEAD, config="not json"), "")
        assert client.is_model_ready(HEAD)


print(json.dumps(results))
