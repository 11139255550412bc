package cel_test

import (
	"strings"
	"testing"
)

func TestRefusedIdentity(t *testing.T) {
	t.Parallel()
	refused(t, map[string]refusal{
		"name in capitals":            {set("metadata.name", "Signal"), `metadata.name: Invalid value: "Signal": a lowercase RFC 1123 subdomain must consist of`},
		"name that begins with digit": {set("metadata.name", "1signal"), `metadata.name must be a valid Service name: lower-case letters, digits and '-', beginning with a letter`},
		"name with a dot":             {set("metadata.name", "signal.service"), `metadata.name must be a valid Service name`},
		"name of 41 characters":       {set("metadata.name", long(41)), `metadata.name must be no more than 40 characters`},
		"no name":                     {drop("metadata.name"), `name or generateName is required`},
		"no spec":                     {drop("spec"), `spec: Required value`},

		"version empty":            {set("spec.version", ""), `spec.version: Invalid value: "": spec.version in body should be at least 1 chars long`},
		"version with a slash":     {set("spec.version", "release/1"), `spec.version: Invalid value: "release/1": must consist of letters, digits, '-', '_' and '.'`},
		"version ends with a dash": {set("spec.version", "v1-"), `spec.version: Invalid value: "v1-": must consist of letters, digits, '-', '_' and '.', and begin and end with a letter or digit`},
		"version of 64 characters": {set("spec.version", long(64)), `spec.version: Too long: may not be more than 63 bytes`},
		"version is a number":      {set("spec.version", int64(1)), `spec.version: Invalid value: "integer": spec.version in body must be of type string: "integer"`},
		"version is a decimal":     {set("spec.version", 1.1), `spec.version in body must be of type string: "number"`},

		"environment in capitals":        {set("spec.environment", "Prod"), `spec.environment: Invalid value: "Prod": must consist of lower-case letters, digits and '-'`},
		"environment with an underscore": {set("spec.environment", "prod_eu"), `spec.environment: Invalid value: "prod_eu": must consist of lower-case letters, digits and '-'`},
		"environment empty":              {set("spec.environment", ""), `spec.environment: Invalid value: "": spec.environment in body should be at least 1 chars long`},
		"environment of 64 characters":   {set("spec.environment", long(64)), `spec.environment: Too long`},

		"no artifact":                   {drop("spec.artifact"), `spec.artifact: Required value`},
		"no image":                      {drop("spec.artifact.image"), `needs exactly one of image and build`},
		"image empty":                   {set("spec.artifact.image", ""), `spec.artifact.image: Invalid value: "": spec.artifact.image in body should be at least 1 chars long`},
		"image with a space":            {set("spec.artifact.image", "acme/app: v1"), `spec.artifact.image: Invalid value: "acme/app: v1": must be an image reference such as registry.example/team/app:v1.0.0`},
		"image as a URL":                {set("spec.artifact.image", "https://registry.example/acme/app?tag=v1"), `must be an image reference such as registry.example/team/app:v1.0.0`},
		"image of 513 characters":       {set("spec.artifact.image", long(513)), `spec.artifact.image: Too long: may not be more than 512 bytes`},
		"digest of 63 digits":           {set("spec.artifact.image", "acme/app@sha256:"+long(63)), `a digest must be sha256 with 64 lower-case hexadecimal digits`},
		"digest of 65 digits":           {set("spec.artifact.image", "acme/app@sha256:"+long(65)), `a digest must be sha256 with 64 lower-case hexadecimal digits`},
		"digest in capitals":            {set("spec.artifact.image", "acme/app@sha256:"+strings.ToUpper(long(64))), `a digest must be sha256 with 64 lower-case hexadecimal digits`},
		"digest of another algorithm":   {set("spec.artifact.image", "acme/app@sha512:"+long(64)), `a digest must be sha256 with 64 lower-case hexadecimal digits`},
		"container name empty":          {set("spec.artifact.container", ""), `spec.artifact.container: Invalid value: "": spec.artifact.container in body should be at least 1 chars long`},
		"container of 64 characters":    {set("spec.artifact.container", long(64)), `spec.artifact.container: Too long`},
		"report keeps nothing":          {set("spec.report.historyLimit", int64(0)), `spec.report.historyLimit: Invalid value: 0: spec.report.historyLimit in body should be greater than or equal to 1`},
		"report keeps too much":         {set("spec.report.historyLimit", int64(21)), `spec.report.historyLimit: Invalid value: 21: spec.report.historyLimit in body should be less than or equal to 20`},
		"rollback window negative":      {set("spec.rollback.windowSeconds", int64(-1)), `spec.rollback.windowSeconds: Invalid value: -1: spec.rollback.windowSeconds in body should be greater than or equal to 0`},
		"rollback window over 30 days":  {set("spec.rollback.windowSeconds", int64(2592001)), `spec.rollback.windowSeconds in body should be less than or equal to 2592000`},
		"rollback automatic in words":   {set("spec.rollback.automatic", "yes"), `spec.rollback.automatic: Invalid value: "string": spec.rollback.automatic in body must be of type boolean: "string"`},
		"rollback window as a duration": {set("spec.rollback.windowSeconds", "1h"), `spec.rollback.windowSeconds in body must be of type integer: "string"`},
	})
}
