# The two commands a newcomer needs: `make demo` and `make test`.  Everything lives in .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_NUM_THREADS ?= 2

.PHONY: demo test tiny golden lint bench clean

demo: $(STAMP)
	$(BIN)/python -m examples.digits

# One thread a process: two processes of two threads each wait for one another.
test: export OMP_NUM_THREADS = 1
test: $(STAMP)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

tiny: $(STAMP)
	$(BIN)/python -m pytest -q -m tiny

golden: $(STAMP)
	$(BIN)/python -m pytest -q tests -k golden --update-golden
	git --no-pager diff --stat -- tests/golden tests/golden_code
	git --no-pager diff -- tests/golden tests/golden_code

# mypy must see verify/, reports/ and cli.py under the names they install as, so it reads a staged copy.
lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/typed && mkdir -p build/typed && cp -r derive build/typed/ && cp -r verify reports cli.py build/typed/derive/
	$(BIN)/mypy build/typed/derive

bench: $(STAMP)
	$(BIN)/python -m benchmarks

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[torch,demo,bench,dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache
