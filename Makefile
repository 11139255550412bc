# The image of the operator and the prober.
IMG ?= ghcr.io/signal-delivery/signal-operator:v0.1.0
# More flags of go test, such as TESTFLAGS='-run TestPromote -v'.
TESTFLAGS ?=

SHELL := /usr/bin/env bash -euo pipefail
.DEFAULT_GOAL := help
export GOFLAGS := -buildvcs=false $(filter-out -buildvcs=%,$(GOFLAGS))

tool = go tool -modfile=$(CURDIR)/hack/tools/$(1)/go.mod $(or $(2),$(1))
controller-gen = $(call tool,controller-gen)
golangci-lint = $(call tool,golangci-lint)
kube-api-linter = $(call tool,kube-api-linter,golangci-lint-kube-api-linter)
kustomize = $(call tool,kustomize)
cluster = go -C $(CURDIR)/hack/cluster run .
assets = KUBEBUILDER_ASSETS="$$($(cluster) envtest)"
with-img = sed 's|ghcr.io/signal-delivery/signal-operator:v0.1.0|$(IMG)|'
# Floors of tests that need more than Go.
floors = /test/(cel|chart|admission|conformance|integration|fault|bench|e2e)(/|$$)

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Code

.PHONY: generate
generate: ## Write the API's deep copies.
	$(controller-gen) object paths=./api/...

.PHONY: manifests
manifests: ## Write the CRD and the roles, and what the chart has of them and of the guard.
	$(controller-gen) crd:generateEmbeddedObjectMeta=true paths=./api/... output:crd:dir=config/crd/bases
	go run ./hack/crd config/crd/bases/*.yaml
	$(controller-gen) rbac:roleName=signal-operator paths=./controllers/... output:rbac:dir=config/rbac
	go run ./hack/chart config charts/signal-operator

.PHONY: fmt
fmt: ## Format the code.
	$(golangci-lint) fmt ./...

.PHONY: lint
lint: ## Hold the code to the laws of the house, and api/ to those of Kubernetes.
	$(golangci-lint) run ./...
	cd hack/cluster && $(golangci-lint) run --config=$(CURDIR)/.golangci.yml ./...
	$(kube-api-linter) run --config=.golangci-kal.yml ./api/...

.PHONY: verify
verify: generate manifests fmt ## Regenerate everything, require a clean tree, lint.
	go mod tidy -diff
	go -C hack/cluster mod tidy -diff
	@changes=$$(git status --porcelain); [ -z "$$changes" ] || { git --no-pager diff; printf 'The tree is not clean:\n%s\nCommit what was generated.\n' "$$changes"; exit 1; }
	@$(MAKE) --no-print-directory lint

.PHONY: build
build: ## Build the operator and the prober into bin/.
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/manager .
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/prober ./cmd/prober

.PHONY: run
run: ## Run the operator against the cluster of your kubeconfig. ARGS are its flags.
	go run . --metrics-bind-address=127.0.0.1:8080 --metrics-secure=false --prober-image=$(IMG) --zap-devel $(ARGS)

##@ Tests

.PHONY: test
test: ## Run every floor of tests, from the ground up.
	@for floor in test-unit test-cel test-conformance test-integration test-e2e; do printf '\n=== %s\n' $$floor; $(MAKE) --no-print-directory $$floor; done

.PHONY: test-unit
test-unit: ## Test what needs nothing but Go.
	go test $(TESTFLAGS) $$(go list ./... | grep -vE '$(floors)')
	go -C hack/cluster test $(TESTFLAGS) ./...

.PHONY: test-cel
test-cel: ## Ask a real API server what it says to the CRD, the guard, the chart and the kustomizations.
	$(assets) HELM="$$($(cluster) path helm)" go test $(TESTFLAGS) ./test/cel/... ./test/chart/... ./test/admission/...

.PHONY: test-conformance
test-conformance: ## Ask a real Prometheus and the operator's own sources the same questions.
	go test -timeout 20m $(TESTFLAGS) ./test/conformance

.PHONY: test-integration
test-integration: ## Run the operator against a real API server, and stop it at every write.
	$(assets) go test -timeout 30m $(TESTFLAGS) ./test/integration/...
	cd test/fault && $(assets) go test -timeout 60m $(TESTFLAGS)

.PHONY: test-e2e
test-e2e: ## Release a real service on a real cluster. Starts one if none is there.
	hack/with-cluster go test -count=1 -timeout 60m -parallel 3 $(TESTFLAGS) ./test/e2e/...

.PHONY: bench
bench: ## Count API requests, measure reconciles, what signals cost, and releases on a real cluster.
	go test -run '^$$' -bench . -benchtime 1x $(TESTFLAGS) ./test/bench/signals
	$(assets) go test -run '^$$' -bench . -timeout 30m $(TESTFLAGS) ./test/bench
	hack/with-cluster go test -run '^$$' -bench Release -benchtime 5x -timeout 40m $(TESTFLAGS) ./test/bench/cluster
	hack/with-cluster go test -run '^$$' -bench Reaction -benchtime 1x -timeout 40m $(TESTFLAGS) ./test/bench/cluster

.PHONY: demo
demo: ## Show the main job on a real cluster. Starts one if none is there.
	hack/with-cluster go run ./hack/demo

##@ Cluster

.PHONY: cluster-up
cluster-up: ## Start a one-node Kubernetes with registry, Gateway and Prometheus.
	$(cluster) up

.PHONY: cluster-down
cluster-down: ## Stop it; nothing but built binaries is left.
	$(cluster) down

##@ Install

.PHONY: image
image: build ## Build the image IMG, with docker, or into the registry of cluster-up.
	if docker info >/dev/null 2>&1; then docker build --tag $(IMG) .; else $(cluster) image $(notdir $(IMG)) $(CURDIR)/bin/manager $(CURDIR)/bin/prober; fi

.PHONY: chart
chart: ## Lint the chart and render it in each of its modes.
	@helm=$$($(cluster) path helm); for values in values.yaml ci/namespaced-values.yaml ci/everything-values.yaml; do \
		"$$helm" lint --strict --quiet charts/signal-operator --values charts/signal-operator/$$values; \
		"$$helm" template signal-operator charts/signal-operator --values charts/signal-operator/$$values >/dev/null; \
	done

.PHONY: install
install: ## Install the CRD into the cluster of your kubeconfig.
	$(kustomize) build config/crd | kubectl apply -f -

.PHONY: uninstall
uninstall: ## Remove the CRD and every SignalDeployment. The operator must still run.
	$(kustomize) build config/crd | kubectl delete --ignore-not-found -f -

.PHONY: deploy
deploy: ## Install CRD and operator with the image IMG.
	$(kustomize) build config/default | $(with-img) | kubectl apply -f -

.PHONY: undeploy
undeploy: ## Remove the operator. CRD, SignalDeployments and what they released stay.
	for part in admission manager network-policy rbac; do $(kustomize) build config/$$part; echo ---; done | kubectl delete --ignore-not-found -f - -f config/default/namespace.yaml
