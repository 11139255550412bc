//go:build tools

// Package crds pins the modules whose custom resource definitions the cluster
// installs. The files are read from the module cache; no code of theirs runs.
package crds

import (
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
	_ "sigs.k8s.io/gateway-api/pkg/consts"
)
