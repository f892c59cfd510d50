# install, uninstall and the Debian package. Included by the Makefile.

SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
bin        = $(DESTDIR)$(PREFIX)/bin
share      = $(DESTDIR)$(PREFIX)/share
units      = $(DESTDIR)$(PREFIX)/lib/systemd/system
etc        = $(DESTDIR)$(SYSCONFDIR)
MAN        = $(wildcard docs/man/*.[1-8])
COMPLETION = $(wildcard packaging/completions/$(1))

# An installed file's folder, and the path under the one that was asked for.
here = sed -e 's,/usr/bin/,$(PREFIX)/bin/,g' -e 's,/etc/chat/,$(SYSCONFDIR)/chat/,g'

install: all ## into $(DESTDIR)$(PREFIX); a configuration that is there is left alone
	install -d $(bin) $(share)/doc/roomkey $(units) $(etc)/chat $(etc)/apparmor.d
	install $(PROGRAMS) $(bin)
	install -m 644 README.md CHANGELOG.md $(wildcard docs/*.md docs/*.png) $(share)/doc/roomkey
	$(here) packaging/systemd/roomkey.service >$(units)/roomkey.service
	$(here) packaging/apparmor/chat-master >$(etc)/apparmor.d/chat-master
	test -e $(etc)/chat/chat.conf || $(here) packaging/chat.conf >$(etc)/chat/chat.conf
	chmod 644 $(units)/roomkey.service $(etc)/apparmor.d/chat-master $(etc)/chat/chat.conf
	install -d $(share)/roomkey/prometheus $(share)/roomkey/grafana
	install -m 644 $(wildcard packaging/prometheus/*.yml) $(share)/roomkey/prometheus
	install -m 644 packaging/grafana/roomkey.json $(share)/roomkey/grafana
	set -e; for page in $(MAN); do \
		install -D -m 644 $$page $(share)/man/man$${page##*.}/$${page##*/}; done
	set -e; for file in $(call COMPLETION,*.bash); do \
		install -D -m 644 $$file $(share)/bash-completion/completions/$$(basename $$file .bash); done
	set -e; for file in $(call COMPLETION,_*); do \
		install -D -m 644 $$file $(share)/zsh/vendor-completions/$${file##*/}; done
	set -e; for file in $(call COMPLETION,*.fish); do \
		install -D -m 644 $$file $(share)/fish/vendor_completions.d/$${file##*/}; done

uninstall: ## all that install put there, but the configuration
	rm -f $(addprefix $(bin)/,$(notdir $(PROGRAMS)))
	rm -f $(units)/roomkey.service $(etc)/apparmor.d/chat-master
	rm -f $(foreach page,$(MAN),$(share)/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(patsubst packaging/completions/%.bash,$(share)/bash-completion/completions/%,$(call COMPLETION,*.bash))
	rm -f $(patsubst packaging/completions/%,$(share)/zsh/vendor-completions/%,$(call COMPLETION,_*))
	rm -f $(patsubst packaging/completions/%,$(share)/fish/vendor_completions.d/%,$(call COMPLETION,*.fish))
	rm -rf $(share)/doc/roomkey $(share)/roomkey

deb: ## the Debian package, into $(BUILD)/deb; DEB_BUILD_OPTIONS=nocheck for no unit tests
	$(Q)tools/deps.sh deb
	$(Q)packaging/deb.sh $(BUILD)/deb $(VERSION)

check-packaging: ## the package, lintian, the unit, the profile, man pages, and what else can be parsed
	$(Q)packaging/check.sh $(BUILD) $(MAKE) -s

.PHONY: install uninstall deb check-packaging
