// Package redact keeps secrets out of logs: whatever looks like one is
// replaced, wherever in an entry it is.
package redact

import (
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Mark stands in place of a secret.
const Mark = "[redacted]"

var (
	secrets = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(bearer|basic|digest|token)\s+[A-Za-z0-9._~+/=-]{6,}`),
		regexp.MustCompile(`(?i)("?(?:authorization|cookie|password|passwd|secret|token|api[_-]?key|apikey|access[_-]?key|ssn|session(?:id)?|sid)"?\s*[:=]\s*)("[^"]*"|[^\s,;&}]+)`),
		regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
		regexp.MustCompile(`-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)`),
		regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{12,}|\b(ghp|gho|ghs|github_pat|glpat|xox[abprs]|sk|pk|rk|npm|hvs)[_-][A-Za-z0-9_-]{10,}`),
		regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@`),
		regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+`),
		regexp.MustCompile(`\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`),
		regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
	}
	digits = regexp.MustCompile(`\d(?:[ -]?\d){11,18}`)
)

// Text is a text without secrets.
func Text(text string) string {
	for _, secret := range secrets {
		text = secret.ReplaceAllString(text, Mark)
	}
	return digits.ReplaceAllStringFunc(text, func(number string) string {
		if card(number) {
			return Mark
		}
		return number
	})
}

// card reports whether digits have the check digit of a payment card.
func card(number string) bool {
	sum, double := 0, false
	for i := len(number) - 1; i >= 0; i-- {
		if number[i] < '0' {
			continue // a space or a dash
		}
		d := int(number[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

// Redacting is an option of a logger, by which nothing leaves it unredacted.
func Redacting() zap.Option {
	return zap.WrapCore(func(next zapcore.Core) zapcore.Core { return core{next} })
}

type core struct{ zapcore.Core }

func (c core) With(fields []zapcore.Field) zapcore.Core { return core{c.Core.With(clean(fields))} }

func (c core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	entry.Message = Text(entry.Message)
	return c.Core.Write(entry, clean(fields))
}

// wordy are fields that may have any text in them.
var wordy = []zapcore.FieldType{
	zapcore.ByteStringType, zapcore.BinaryType, zapcore.ReflectType, zapcore.StringerType, zapcore.ErrorType,
	zapcore.ArrayMarshalerType, zapcore.ObjectMarshalerType, zapcore.InlineMarshalerType,
}

// clean has texts without secrets, and of what is no number, truth or time its
// text.
func clean(fields []zapcore.Field) []zapcore.Field {
	all := make([]zapcore.Field, len(fields))
	for i, f := range fields {
		all[i] = f
		if f.Type == zapcore.StringType {
			all[i].String = Text(f.String)
		}
		if err, is := f.Interface.(error); is && f.Type == zapcore.ErrorType {
			all[i] = zap.String(f.Key, Text(err.Error()))
			continue
		}
		if slices.Contains(wordy, f.Type) {
			all[i] = zap.String(f.Key, Text(plain(f)))
		}
	}
	return all
}

// plain is what a field would be written as.
func plain(f zapcore.Field) string {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{})
	buffer, err := encoder.EncodeEntry(zapcore.Entry{}, []zapcore.Field{f})
	if err != nil {
		return Mark
	}
	defer buffer.Free()
	return strings.TrimSpace(buffer.String())
}
