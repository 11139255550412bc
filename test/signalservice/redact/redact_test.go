package redact

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Made up here; none of them opens anything.
var planted = map[string]string{
	"bearer":      "Authorization: Bearer planted0123456789",
	"basic":       "Basic cGxhbnRlZDpwbGFudGVk",
	"password":    `{"password":"planted horse battery"}`,
	"query":       "api_key=planted0123&x=1",
	"token":       "token=planted0123",
	"cookie":      "Cookie: sid=planted0123",
	"web token":   "eyJwbGFudGVk.eyJwbGFudGVk.cGxhbnRlZA",
	"private key": "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----",
	"cloud key":   "AKIA" + "PLANTEDPLANTED00",
	"forge token": "ghp_" + "planted0123456789",
	"address":     "postgres://signal:planted@db.example/signals",
	"mail":        "planted@example.com",
	"card":        "4111 1111 1111 1111",
	"bank":        "DE89370400440532013000",
	"ssn":         "078-05-1120",
}

func TestSecretsAreRedacted(t *testing.T) {
	for name, text := range planted {
		got := Text("before " + text + " after")
		if strings.Contains(got, "planted") || strings.Contains(got, "PLANTED") || !strings.Contains(got, Mark) || !strings.HasPrefix(got, "before ") {
			t.Errorf("%s: %s", name, got)
		}
		if strings.ContainsAny(text, "0123456789") && strings.Contains(got, text) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, text := range []string{
		"Serving", "/v1/signals", "v1.2.3", "order 4111111111111112 of EURUSD", "2026-11-30T18:00:00.123456Z", "127.0.0.1:8080", "dial tcp 198.19.0.80:5432: connection refused",
	} {
		if got := Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

type object struct{ text string }

func (o object) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("inner", o.text)
	return nil
}

// Whatever way a secret takes into an entry, it does not leave it.
func TestNothingLeavesTheLoggerUnredacted(t *testing.T) {
	const secret = "Bearer planted0123456789"
	ways := map[string]func(*zap.Logger){
		"message":  func(l *zap.Logger) { l.Info(secret) },
		"string":   func(l *zap.Logger) { l.Info("m", zap.String("k", secret)) },
		"bytes":    func(l *zap.Logger) { l.Info("m", zap.ByteString("k", []byte(secret))) },
		"error":    func(l *zap.Logger) { l.Info("m", zap.Error(errors.New(secret))) },
		"any":      func(l *zap.Logger) { l.Info("m", zap.Any("k", map[string][]string{"h": {secret}})) },
		"strings":  func(l *zap.Logger) { l.Info("m", zap.Strings("k", []string{secret})) },
		"stringer": func(l *zap.Logger) { l.Info("m", zap.Stringer("k", bytes.NewBufferString(secret))) },
		"object":   func(l *zap.Logger) { l.Info("m", zap.Object("k", object{secret})) },
		"inline":   func(l *zap.Logger) { l.Info("m", zap.Inline(object{secret})) },
		"with":     func(l *zap.Logger) { l.With(zap.String("k", secret)).Info("m") },
	}
	for name, write := range ways {
		var out bytes.Buffer
		core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.InfoLevel)
		write(zap.New(core, Redacting()))
		if text := out.String(); strings.Contains(text, "planted") || !strings.Contains(text, Mark) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
