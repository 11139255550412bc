package cel_test

import (
	"strings"
	"testing"
)

// m is a JSON object.
type m = map[string]any

const publicKey = "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"

// signed is an image that must be signed by someone.
func signed(signer m) change {
	return set("spec.artifact.signatures", []any{m{"name": "us", "signer": signer}})
}

// keyless is an identity with one part changed; nil leaves a part out.
func keyless(part string, value any) m {
	identity := m{"issuer": "https://issuer.example", "subject": "ci@acme.example", "trustRoot": m{"name": "roots", "key": "root.json"}}
	identity[part] = value
	if value == nil {
		delete(identity, part)
	}
	return m{"keyless": identity}
}

// attested is an image that must have a statement, with one part changed.
func attested(part string, value any) change {
	policy := m{"name": "sbom", "predicateType": "https://spdx.dev/Document", "signer": m{"publicKeys": []any{m{"pem": publicKey}}}}
	policy[part] = value
	if value == nil {
		delete(policy, part)
	}
	return set("spec.artifact.attestations", []any{policy})
}

// built is an image that is appended to a base, with one part changed.
func built(part string, value any) change {
	appending := m{"base": "gcr.example/static@sha256:" + long(64), "layers": []any{m{"artifact": "acme/files@sha256:" + long(64)}}}
	appending[part] = value
	if value == nil {
		delete(appending, part)
	}
	return set("spec.artifact", m{"repository": "registry.example/acme/app", "build": m{"append": appending}})
}

func layer(l m) change { return built("layers", []any{l}) }

func tarball(part string, value any) change {
	volume := m{"claim": "files", "path": "out/files.tar", "sha256": long(64)}
	volume[part] = value
	return layer(m{"volume": volume})
}

func TestRefusedArtifact(t *testing.T) {
	t.Parallel()
	build := m{"job": m{"image": "builder"}}
	refused(t, map[string]refusal{
		"image and build":              {all(set("spec.artifact.build", build), set("spec.artifact.repository", "acme.example/app")), `needs exactly one of image and build`},
		"neither image nor build":      {set("spec.artifact", m{}), `needs exactly one of image and build`},
		"a build without repository":   {set("spec.artifact", m{"build": build}), `repository is where build pushes the image: set both, or neither`},
		"a repository without build":   {set("spec.artifact.repository", "acme.example/app"), `repository is where build pushes the image: set both, or neither`},
		"a repository with a tag":      {set("spec.artifact", m{"build": build, "repository": "acme.example/app:v1"}), `must be a repository such as registry.example/team/app, without tag or digest`},
		"two ways to build":            {set("spec.artifact", m{"build": m{"job": m{"image": "b"}, "append": m{"base": "a@sha256:" + long(64), "layers": []any{m{"artifact": "a@sha256:" + long(64)}}}}, "repository": "acme.example/app"}), `needs exactly one of append and job`},
		"no way to build":              {set("spec.artifact", m{"build": m{}, "repository": "acme.example/app"}), `needs exactly one of append and job`},
		"a build of nine seconds":      {set("spec.artifact", m{"build": m{"job": m{"image": "b"}, "timeoutSeconds": int64(9)}, "repository": "acme.example/app"}), `spec.artifact.build.timeoutSeconds in body should be greater than or equal to 10`},
		"a privilege of its own":       {set("spec.artifact", m{"build": m{"job": m{"image": "b", "privilege": "Root"}}, "repository": "acme.example/app"}), `supported values: "Restricted", "Rootless"`},
		"a variable of the operator's": {set("spec.artifact", m{"build": m{"job": m{"image": "b", "env": []any{m{"name": "SIGNAL_NAME"}}}}, "repository": "acme.example/app"}), `does not begin with SIGNAL_`},

		"a signature of nobody":            {signed(m{}), `needs exactly one of publicKeys and keyless`},
		"a signature of both":              {signed(m{"keyless": keyless("issuer", "x")["keyless"], "publicKeys": []any{m{"pem": publicKey}}}), `needs exactly one of publicKeys and keyless`},
		"no public keys":                   {signed(m{"publicKeys": []any{}}), `should have at least 1 items`},
		"nine public keys":                 {signed(m{"publicKeys": []any{m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}, m{"pem": publicKey}}}), `must have at most 8 items`},
		"a key that is none":               {signed(m{"publicKeys": []any{m{"pem": "ssh-ed25519 AAAA"}}}), `must be a public key in PEM, beginning with -----BEGIN PUBLIC KEY-----`},
		"a private key":                    {signed(m{"publicKeys": []any{m{"pem": strings.ReplaceAll(publicKey, "PUBLIC", "PRIVATE")}}}), `must be a public key in PEM`},
		"a key from nowhere":               {signed(m{"publicKeys": []any{m{}}}), `needs exactly one of pem and configMap`},
		"a key from two places":            {signed(m{"publicKeys": []any{m{"pem": publicKey, "configMap": m{"name": "keys", "key": "k"}}}}), `needs exactly one of pem and configMap`},
		"a key of a ConfigMap's path":      {signed(m{"publicKeys": []any{m{"configMap": m{"name": "keys", "key": "../k"}}}}), `must be a key of a ConfigMap`},
		"an identity without issuer":       {signed(keyless("issuer", nil)), `needs exactly one of issuer and issuerPattern`},
		"an identity of two issuers":       {signed(keyless("issuerPattern", "x")), `needs exactly one of issuer and issuerPattern`},
		"an identity without subject":      {signed(keyless("subject", nil)), `needs exactly one of subject and subjectPattern`},
		"an identity of two subjects":      {signed(keyless("subjectPattern", "x")), `needs exactly one of subject and subjectPattern`},
		"an identity without root":         {signed(keyless("trustRoot", nil)), `trustRoot: Required value`},
		"a policy without name":            {set("spec.artifact.signatures", []any{m{"signer": m{"publicKeys": []any{m{"pem": publicKey}}}}}), `name: Required value`},
		"a policy with a capital":          {set("spec.artifact.signatures", []any{m{"name": "Us", "signer": m{"publicKeys": []any{m{"pem": publicKey}}}}}), `must consist of lower-case letters, digits and '-'`},
		"a statement of no type":           {attested("predicateType", nil), `predicateType: Required value`},
		"a statement of nobody":            {attested("signer", nil), `signer: Required value`},
		"a rule without expression":        {attested("rules", []any{m{"message": "no"}}), `expression: Required value`},
		"an expression of 1025 characters": {attested("rules", []any{m{"expression": long(1025)}}), `may not be more than 1024 bytes`},

		"a base by tag":              {built("base", "gcr.example/static:latest"), `must name the base image by digest`},
		"no layers":                  {built("layers", []any{}), `should have at least 1 items`},
		"a layer from nowhere":       {layer(m{}), `needs exactly one of artifact and volume`},
		"a layer by tag":             {layer(m{"artifact": "acme/files:v1"}), `must name the artifact by digest`},
		"a tarball outside":          {tarball("path", "../files.tar"), `must be relative to the volume, without '..'`},
		"a tarball from the root":    {tarball("path", "/files.tar"), `must be relative to the volume, without '..'`},
		"a tarball without its hash": {tarball("sha256", "abc"), `must be 64 lower-case hexadecimal digits, as sha256sum prints them`},
		"a user of 65 characters":    {built("user", long(65)), `may not be more than 64 bytes`},
	})
}
