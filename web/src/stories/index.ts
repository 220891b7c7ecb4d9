export { HomePage } from './home-page.tsx';
export { NewStoryPage } from './new-story-page.tsx';
export { StoryList } from './story-list.tsx';
export { StoryPage } from './story-page.tsx';
