// Pages without other scripts: the theme that was chosen on the dashboard.

import { applyTheme } from './settings.js';

applyTheme();
