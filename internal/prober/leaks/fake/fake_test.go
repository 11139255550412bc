package fake

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// formats are what scanners go by, and what says that it is not real.
var formats = map[string]struct{ valid, fake string }{
	"AWSAccessKeyID":         {`^AKIA[A-Z0-9]{16}$`, `^AKIAFAKE`},
	"AWSSecretKey":           {`^[A-Za-z0-9/+=]{40}$`, `^FAKE`},
	"GitHubToken":            {`^ghp_[A-Za-z0-9]{36}$`, `^ghp_FAKE`},
	"GitHubFineGrainedToken": {`^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$`, `^github_pat_FAKE0{18}_`},
	"GitLabToken":            {`^glpat-[A-Za-z0-9_-]{20}$`, `^glpat-FAKE`},
	"SlackToken":             {`^xoxb-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9]{24}$`, `^xoxb-0{12}-0{12}-`},
	"StripeKey":              {`^sk_test_[A-Za-z0-9]{24}$`, `^sk_test_FAKE`},
	"GCPKey":                 {`^AIza[A-Za-z0-9_-]{35}$`, `^AIzaFAKE`},
	"GCPServiceAccount":      {`^\{"type":"service_account",.*"private_key":"-----BEGIN PRIVATE KEY-----\\n[A-Za-z0-9+/]{64}\\n-----END PRIVATE KEY-----\\n"\}$`, `"fake@example\.com"`},
	"AzureStorageKey":        {`AccountKey=[A-Za-z0-9+/]{86}==;`, `AccountKey=FAKE.*EndpointSuffix=example\.com$`},
	"NPMToken":               {`^npm_[A-Za-z0-9]{36}$`, `^npm_FAKE`},
	"PyPIToken":              {`^pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}$`, `^pypi-AgEIcHlwaS5vcmcFAKE`},
	"SendGridKey":            {`^SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$`, `^SG\.FAKE0{18}\.`},
	"TwilioKey":              {`^SK[0-9a-f]{32}$`, `^SKfa4e`},
	"OpenAIKey":              {`^sk-proj-[A-Za-z0-9_-]{40,}$`, `^sk-proj-FAKE`},
	"AnthropicKey":           {`^sk-ant-api03-[A-Za-z0-9_-]{93}AA$`, `^sk-ant-api03-FAKE`},
	"VaultToken":             {`^hvs\.[A-Za-z0-9_-]{90,}$`, `^hvs\.FAKE`},
	"AgeKey":                 {`^AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}$`, `^AGE-SECRET-KEY-1FAKE`},
	"JWT":                    {`^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$`, ``},
	"PEMKey":                 {`^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/]{64}\n-----END PRIVATE KEY-----$`, `MIIEFAKEFAKE`},
	"OpenSSHKey":             {`^-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA[A-Za-z0-9+/]+\n-----END OPENSSH PRIVATE KEY-----$`, `FAKE`},
	"BasicAuthURL":           {`^https://fake:[A-Z0-9]+@`, `@service\.example\.com/$`},
	"DatabaseDSN":            {`^postgres://fake:[A-Z0-9]+@`, `@db\.example\.com:5432/fake$`},
	"BearerToken":            {`^bearer-[A-Z0-9]{44}$`, `^bearer-FAKE`},
	"SessionCookie":          {`^[0-9a-f]{40}$`, `^fa4e`},
	"KubeToken":              {`^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$`, ``}, // RS256 has 342
	"Kubeconfig":             {`(?s)^apiVersion: v1\nkind: Config\n.*token: [A-Z0-9]{44}\}\}\n$`, `https://kubernetes\.example\.com`},
	"CardNumber":             {`^[0-9]{16}$`, `^424242`},
	"SSN":                    {`^[0-9]{3}-[0-9]{2}-[0-9]{4}$`, `^9[0-9]{2}-(0[1-9]|[1-4][0-9])-`},
	"EMail":                  {`^[a-z0-9-]+@[a-z.]+$`, `^fake-.*@example\.com$`},
	"IBAN":                   {`^GB[0-9]{2}[A-Z]{4}[0-9]{14}$`, `^GB[0-9]{2}FAKE`},
}

// Each has the format of its class, and none can be real.
func TestFormats(t *testing.T) {
	if len(Classes()) != len(formats) || len(formats) < 25 {
		t.Fatalf("%d classes, %d formats", len(Classes()), len(formats))
	}
	for _, c := range Classes() {
		t.Run(c.Name, func(t *testing.T) {
			for i := range 200 {
				s := Mint([]byte{byte(i)}, "v2-prod", "1", c, "Authorization")
				f := formats[c.Name]
				if !regexp.MustCompile(f.valid).MatchString(s.Text) || !regexp.MustCompile(f.fake).MatchString(s.Text) {
					t.Fatalf("%q is not in the format, or not marked", s.Text)
				}
				if !strings.Contains(s.Text, s.Lead+s.Body) || strings.Contains(s.Line(), "\n") || s.Class != c.Name || s.Channel != "Authorization" || c.Why == "" {
					t.Fatalf("%+v", s)
				}
			}
		})
	}
}

func TestNumbersAreAsTheirChecksumsSay(t *testing.T) {
	for i := range 1000 {
		for _, c := range Classes() {
			switch s := Mint([]byte(fmt.Sprint(i)), "v2", "1", c, "a"); c.Name {
			case "CardNumber":
				if luhn(s.Text[:15]) != s.Text[15:] || cmp.Diff([]string{s.Text[:4] + " " + s.Text[4:8] + " " + s.Text[8:12] + " " + s.Text[12:], s.Text[:4] + "-" + s.Text[4:8] + "-" + s.Text[8:12] + "-" + s.Text[12:]}, s.Also) != "" {
					t.Fatal(s)
				}
			case "IBAN":
				if !remainsOne(s.Text[4:] + s.Text[:4]) {
					t.Fatal(s)
				}
			}
		}
	}
	for number, want := range map[string]string{"411111111111111": "1", "555555555555444": "4", "37828224631000": "5", "000000000000000": "0"} { // test numbers that everyone knows
		if got := luhn(number); got != want {
			t.Errorf("luhn(%s) is %s, not %s", number, got, want)
		}
	}
	if got := iban("GB", "WEST12345698765432"); got != "82" { // the example of the standard
		t.Errorf("got %s", got)
	}
}

// remainsOne is how an IBAN is checked.
func remainsOne(text string) bool {
	digits := ""
	for _, r := range text {
		if r >= 'A' {
			digits += fmt.Sprint(r - 'A' + 10)
			continue
		}
		digits += string(r)
	}
	n, ok := new(big.Int).SetString(digits, 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

// A secret is a function of what it is for: found anywhere, it is traced
// without a list; and no two are alike.
func TestSecretsAreTraced(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"a", "b"} {
		for _, rel := range []string{"v1", "v2"} {
			for _, attempt := range []string{"1", "2"} {
				for _, channel := range []string{"Authorization", "Cookie", "the query"} {
					for _, c := range Classes() {
						whose := strings.Join([]string{key, rel, attempt, channel, c.Name}, " ")
						s := Mint([]byte(key), rel, attempt, c, channel)
						if was, known := seen[s.Body]; known {
							t.Errorf("%s and %s are the same", was, whose)
						}
						seen[s.Body] = whose
						if again := Mint([]byte(key), rel, attempt, c, channel); cmp.Diff(s, again) != "" {
							t.Errorf("%s differs", whose)
						}
					}
				}
			}
		}
	}
}
